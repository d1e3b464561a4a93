import { Duration, Token } from 'aws-cdk-lib';
import { signatureProblems } from '../integration/model-signature';
import { modelNameProblems } from '../models/model-names';
import { notWhole, outsideRange, unknownAmount, unknownAtSynth } from '../shared/checks';
import { codeProblems, ownPrograms } from './training-code';
import { TrainingPipelineProps } from './training-pipeline-props';

/** Shortest and longest time of a training job, and longest wait for it, in seconds. */
const MINUTE = 60;
const DAY = 24 * 3600;

/** @internal */
export function pipelineProblems(props: TrainingPipelineProps): string[] {
  const { maximumRunsPerDay, volumeSize, gate, slo, signature, model, code, program, programs } = props;
  return [
    ...modelNameProblems(props),
    ...unknownAtSynth('maximumRunsPerDay', maximumRunsPerDay),
    ...outsideRange('maximumRunsPerDay', maximumRunsPerDay, 1, 100),
    ...notWhole('maximumRunsPerDay', maximumRunsPerDay),
    ...unknownAmount('volumeSize', volumeSize),
    ...(volumeSize === undefined || volumeSize.isUnresolved() ? [] : outsideRange('volumeSize (GiB)', volumeSize.toGibibytes(), 1, 1024)),
    ...timeProblems(props),
    ...splitProblems(props),
    ...featureProblems(props),
    ...parameterProblems(props.parameters ?? {}),
    ...textProblems(props),
    ...gate._problems(),
    ...(slo?._problems() ?? []),
    ...(signature === undefined ? [] : ofOne(model, signatureProblems({ [model]: signature }))),
    ...(props.image._trains
      ? []
      : [`'image' ${props.image.label} does not train in script mode: use InferenceImage.scikitLearn() or xgboost()`]),
    ...codeProblems(code, program ?? 'train.py', programs ?? ownPrograms()),
  ];
}

/** Here is only one signature, so its problems need not say whose. */
const ofOne = (model: string, problems: string[]): string[] =>
  problems.map((problem) => problem.replaceAll(`signatures.${model}`, 'signature').replace(/^'signatures' take/, "'signature' takes"));

function timeProblems({ timeout, maximumWait, spot }: TrainingPipelineProps): string[] {
  const unknown = [...unknownAmount('timeout', timeout), ...unknownAmount('maximumWait', maximumWait)];
  if (unknown.length > 0) {
    return unknown;
  }
  const seconds = (timeout ?? Duration.hours(4)).toSeconds();
  return [
    ...outsideRange('timeout (seconds)', seconds, MINUTE, 5 * DAY),
    ...outsideRange('maximumWait (seconds)', maximumWait?.toSeconds(), seconds, 28 * DAY),
    ...(maximumWait !== undefined && spot === false
      ? [`'maximumWait' is for spot instances, but 'spot' is false: leave one of them out`]
      : []),
  ];
}

function splitProblems({ catalog, dataset }: TrainingPipelineProps): string[] {
  return Token.isUnresolved(dataset) || catalog._splitOf(dataset) !== undefined
    ? []
    : [
        `'dataset' ${dataset} is not in the catalogue, or has no split: add it with addDataset(intake, { split: TimeSplit.closedMonths({ eventTime: [...] }) })`,
      ];
}

function featureProblems({ features = [], dataset, signature }: TrainingPipelineProps): string[] {
  return features.flatMap(({ name, dataset: made }, i) => {
    const input = signature?.inputs.find((tensor) => tensor.feature === name);
    return [
      ...(made === dataset
        ? []
        : [`'features[${i}]' is made of '${made}', but training is on '${dataset}': give features of that dataset`]),
      ...(features.findIndex((other) => other.name === name) < i ? [`'features[${i}]' repeats '${name}'`] : []),
      ...(signature === undefined || input !== undefined
        ? []
        : [`'features[${i}]' is '${name}', which no input of 'signature' has as its 'feature': add one`]),
    ];
  });
}

function parameterProblems(parameters: { [name: string]: string }): string[] {
  const entries = Object.entries(parameters);
  return [
    ...(entries.length > 90 ? [`'parameters' has ${entries.length} entries, at most 90 are allowed`] : []),
    ...entries.flatMap(([name, value]) => [
      ...(/^(?!sagemaker_)[A-Za-z][A-Za-z0-9_-]{0,99}$/.test(name)
        ? []
        : [`'parameters' has the name '${name}': use 1 to 100 letters, digits, '_' and '-', not beginning with 'sagemaker_'`]),
      // Quotes and a backslash before each may double it.
      ...(JSON.stringify(value).length > 2500
        ? [`'parameters.${name}' is longer than 2,500 characters: put it into a file of the code`]
        : []),
    ]),
  ];
}

function textProblems({ owner, purpose, intendedUses, limits }: TrainingPipelineProps): string[] {
  const text = (name: string, value: string, longest: number) =>
    Token.isUnresolved(value) || (value.trim().length > 0 && value.length <= longest)
      ? []
      : [`'${name}' must have 1 to ${longest} characters for the model card, got ${value.length}`];
  return [
    ...text('owner', owner, 1024),
    ...text('purpose', purpose, 2048),
    ...text('intendedUses', intendedUses, 2048),
    ...text('limits', limits, 2048),
  ];
}
