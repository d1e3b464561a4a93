import { Duration } from 'aws-cdk-lib';
import { AggregateFunction, DataContract, RollingAggregate, RollingAggregateProps } from '../constructs/data';
import { featureStoreProblems } from '../constructs/data/features/feature-store';
import { aggregateProblems } from '../constructs/data/features/rolling-aggregate';
import { featureInputProblems } from '../constructs/integration/inference-api-features';
import { closest } from '../constructs/shared/checks';
import { contractsOf, datasetRules, inNoContract, momentOf } from './dataset-rules';
import type { Problem } from './endpoint-rules';
import type { BlueprintConfig, FeatureConfig } from './schema';

const propsOf = (feature: FeatureConfig, contract: DataContract): RollingAggregateProps => ({
  ...{ name: feature.name, contract, entity: feature.entity, value: feature.value, entityIsFixed: feature.entityIsFixed },
  function: feature.function as AggregateFunction,
  window: Duration.seconds(feature.windowSeconds),
  eventTime: momentOf(feature.eventTime),
  asOf: momentOf(feature.asOf),
  lead: Duration.seconds(feature.leadSeconds),
});

/** The features of a file that has been found in order. */
export function featuresOf(config: BlueprintConfig): RollingAggregate[] {
  const contracts = contractsOf(config);
  return config.data.features.map(
    (feature) =>
      new RollingAggregate(
        propsOf(
          feature,
          contracts.find(({ dataset }) => dataset === feature.dataset)!,
        ),
      ),
  );
}

/** Streams, features and queries are of datasets that there are, and models are given features that there are. */
export function featureRules(config: BlueprintConfig): Problem[] {
  const contracts = contractsOf(config);
  const own = [
    ...datasetRules(config),
    ...config.data.features.flatMap((_, i) => featureProblems(config, contracts, i)),
    ...inputProblems(config),
  ];
  return own.length > 0 ? own : storeProblems(config);
}

function featureProblems({ data }: BlueprintConfig, contracts: DataContract[], i: number): Problem[] {
  const feature = data.features[i];
  const { name, dataset } = feature;
  const path = ['data', 'features', i];
  const contract = contracts.find((known) => known.dataset === dataset);
  const repeated = data.features.findIndex((other) => other.name === name) < i;
  return [
    ...(repeated ? [{ path: [...path, 'name'], message: `repeats '${name}': names must differ` }] : []),
    ...(contract === undefined ? [{ path: [...path, 'dataset'], message: inNoContract(dataset, contracts) }] : []),
    ...(contract === undefined || dataset in data.streams
      ? []
      : [
          {
            path: [...path, 'dataset'],
            message: `'${dataset}' has no stream, so requests would be told nothing: add data.streams.${dataset}`,
          },
        ]),
    ...(contract === undefined ? [] : aggregateProblems(propsOf(feature, contract)).map((message) => ({ path, message }))),
  ];
}

/** What inputs of signatures name is there, can be filled in, and is in the training data of the model. */
function inputProblems({ endpoints, data: { features } }: BlueprintConfig): Problem[] {
  const names = features.map(({ name }) => name);
  return Object.entries(endpoints).flatMap(([endpoint, { signature, model }]) => {
    const inputs = signature?.inputs ?? [];
    const path = ['endpoints', endpoint, 'signature', 'inputs'];
    const known = inputs.filter(({ feature }) => feature === undefined || names.includes(feature));
    return [
      ...inputs.flatMap(({ feature: name }, i): Problem[] => {
        if (name === undefined) {
          return [];
        }
        const feature = features.find((candidate) => candidate.name === name);
        const message = feature === undefined ? noFeature(name, names) : untrained(feature, model.training?.dataset);
        return message === undefined ? [] : [{ path: [...path, i, 'feature'], message }];
      }),
      ...featureInputProblems('the signature', known, features).map((message) => ({ path, message })),
    ];
  });
}

function noFeature(name: string, names: string[]): string {
  const near = closest(name, names);
  const known = names.length === 0 ? 'declare it under data.features' : `known: ${names.join(', ')}`;
  return `'${name}' is no feature: ${near ? `did you mean '${near}'?` : known}`;
}

const untrained = ({ name, dataset }: FeatureConfig, trainedOn: string | undefined): string | undefined =>
  trainedOn === undefined || trainedOn === dataset
    ? undefined
    : `'${name}' is made of '${dataset}', but the model is trained on '${trainedOn}', whose rows would lack it: give a feature of that dataset`;

/** All of them are in one store. */
function storeProblems(config: BlueprintConfig): Problem[] {
  const { features, featureKeepDays } = config.data;
  const problems =
    features.length === 0 ? [] : featureStoreProblems({ features: featuresOf(config), keep: Duration.days(featureKeepDays) });
  return problems.map((message) => ({ path: ['data', 'features'], message }));
}
