import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { unknownInstanceType } from '../constructs/serving/instance-catalogue';
import type { BlueprintConfig } from './schema';

/** Where in a file something is wrong, and what. */
export interface Problem {
  readonly path: PropertyKey[];
  readonly message: string;
}

/** The part of an endpoint or component that loads a model. */
interface Host {
  readonly path: PropertyKey[];
  readonly model: { readonly asset?: string; readonly training?: { readonly code: string }; readonly huggingFace?: object };
  readonly scaling: { readonly capacity?: string };
  /** The key that `scaling` is written under. */
  readonly scaled: 'scaling' | 'copies';
}

/** Every model of the file, whatever the mode of its endpoint. */
function hosts({ endpoints, asyncEndpoints, componentEndpoints }: BlueprintConfig): Host[] {
  return [
    ...Object.entries({ ...endpoints, ...asyncEndpoints }).map(([name, { model, scaling }]): Host => ({
      path: ['endpoints', name],
      model,
      scaling,
      scaled: 'scaling',
    })),
    ...Object.entries(componentEndpoints).flatMap(([name, { components }]) =>
      Object.entries(components).map(([component, { model, copies }]): Host => ({
        path: ['endpoints', name, 'components', component],
        model,
        scaling: copies,
        scaled: 'copies',
      })),
    ),
  ];
}

/** What must hold of endpoints and the rest of the file together. */
export function endpointRules(config: BlueprintConfig): Problem[] {
  return [...regionRules(config), ...instanceRules(config), ...judgementRules(config), ...hubRules(config)];
}

function everyEndpoint({ endpoints, asyncEndpoints, componentEndpoints }: BlueprintConfig) {
  return Object.entries({ ...endpoints, ...asyncEndpoints, ...componentEndpoints });
}

function regionRules(config: BlueprintConfig): Problem[] {
  const gpu = everyEndpoint(config).find(([, { instance }]) => /^ml\.(g|p)\d/.test(instance));
  if (config.region !== undefined) {
    return [];
  }
  if (config.stage === 'prod') {
    return [{ path: ['region'], message: 'is missing: prod is deployed to a stated Region, such as eu-central-1' }];
  }
  const message = `is missing: endpoint '${gpu?.[0]}' has GPUs, which not every Region has: state one, such as us-east-1`;
  return gpu === undefined ? [] : [{ path: ['region'], message }];
}

function instanceRules(config: BlueprintConfig): Problem[] {
  return everyEndpoint(config).flatMap(([name, { instance, unlistedInstance }]) => {
    const unknown = unlistedInstance ? [] : unknownInstanceType(instance, "set 'unlistedInstance: true'");
    return unknown.map((message) => ({ path: ['endpoints', name, 'instance'], message }));
  });
}

/** Predictions of real-time endpoints are joined with what became of them; the other modes have no API that could. */
function judgementRules({ endpoints, objective, data }: BlueprintConfig): Problem[] {
  const [name] = Object.keys(endpoints);
  if (name !== undefined) {
    const why = `is missing and required: endpoint '${name}' is a real-time one, whose predictions are judged`;
    return [
      ...(objective === undefined ? [{ path: ['objective'], message: why }] : []),
      ...(data.contracts.length === 0 ? [{ path: ['data', 'contracts'], message: why }] : []),
    ];
  }
  const message = 'goes with a real-time endpoint: asynchronous endpoints and components have no API that joins ground truth to answers';
  return [
    ...(objective === undefined ? [] : [{ path: ['objective'], message }]),
    ...(data.contracts.length === 0 ? [] : [{ path: ['data', 'contracts'], message }]),
  ];
}

function hubRules(config: BlueprintConfig): Problem[] {
  return config.stage === 'prod'
    ? hosts(config)
        .filter(({ model }) => model.huggingFace !== undefined)
        .map(({ path }) => ({
          path: [...path, 'model', 'huggingFace'],
          message: 'must be staged in prod: `npm run stage-model` copies it to Amazon S3, then give its s3Prefix',
        }))
    : [];
}

/** Folders and files that the file names and that are not there. */
export function missingFiles(config: BlueprintConfig): Problem[] {
  const files = [
    ...config.data.contracts.map((path, i): [PropertyKey[], string] => [['data', 'contracts', i], path]),
    ...hosts(config).flatMap(({ path, model, scaling, scaled }): [PropertyKey[], string | undefined][] => [
      [[...path, 'model', 'asset'], model.asset],
      [[...path, 'model', 'training', 'code'], model.training?.code],
      [[...path, scaled, 'capacity'], scaling.capacity],
    ]),
  ];
  return files.flatMap(([path, target]) =>
    target === undefined || existsSync(target) ? [] : [{ path, message: `there is no '${target}': paths are relative to this file` }],
  );
}

/** The same with absolute paths; in the file they are relative to its folder. */
export function withAbsolutePaths(config: BlueprintConfig, folder: string): BlueprintConfig {
  const from = (path: string | undefined) => (path === undefined ? undefined : resolve(folder, path));
  const model = <T extends { asset?: string }>(written: T): T => ({ ...written, asset: from(written.asset) });
  const scaling = <T extends { capacity?: string }>(written: T): T => ({ ...written, capacity: from(written.capacity) });
  const each = <T>(record: Record<string, T>, change: (value: T) => T): Record<string, T> =>
    Object.fromEntries(Object.entries(record).map(([name, value]) => [name, change(value)]));
  return {
    ...config,
    data: { ...config.data, contracts: config.data.contracts.map((path) => resolve(folder, path)) },
    endpoints: each(config.endpoints, (endpoint) => {
      const { training } = endpoint.model;
      const trained = training === undefined ? undefined : { ...training, code: resolve(folder, training.code) };
      return { ...endpoint, model: { ...model(endpoint.model), training: trained }, scaling: scaling(endpoint.scaling) };
    }),
    asyncEndpoints: each(config.asyncEndpoints, (endpoint) => ({
      ...endpoint,
      model: model(endpoint.model),
      scaling: scaling(endpoint.scaling),
    })),
    componentEndpoints: each(config.componentEndpoints, (endpoint) => ({
      ...endpoint,
      components: each(endpoint.components, (component) => ({
        ...component,
        model: model(component.model),
        copies: scaling(component.copies),
      })),
    })),
  };
}
