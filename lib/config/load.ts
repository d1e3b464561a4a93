import { existsSync, readFileSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { Document, LineCounter, parseDocument } from 'yaml';
import { z } from 'zod';
import { decisionProblems, repeats } from '../constructs/integration/model-signature';
import { DataContract } from '../constructs/data';
import { unknownInstanceType } from '../constructs/serving/instance-catalogue';
import { closest } from '../constructs/shared/checks';
import { endpointRules, missingFiles, Problem, withAbsolutePaths } from './endpoint-rules';
import { featureRules } from './feature-rules';
import { blueprintConfig, BlueprintConfig, blueprintJsonSchema, byMode, TrainingConfig } from './schema';

type Path = PropertyKey[];

/**
 * Reads a blueprint file, or throws one error that lists every problem with line, key, what is allowed and the likely meaning.
 * File names in the result are absolute: in the file they are relative to it.
 */
export function loadBlueprint(file: string): BlueprintConfig {
  if (!existsSync(file) || statSync(file).isDirectory()) {
    throw new Error(`InvalidConfig: there is no file '${file}': name one, such as config/dev.yaml`);
  }
  const lines = new LineCounter();
  const document = parseDocument(readFileSync(file, 'utf8'), { lineCounter: lines });
  if (document.errors.length > 0) {
    throw new Error(
      `InvalidConfig: ${file} is not YAML:\n${document.errors.map((error) => `  ${error.message.split('\n')[0]}`).join('\n')}`,
    );
  }
  if (document.contents === null) {
    throw new Error(`InvalidConfig: ${file} is empty: start from a copy of config/dev.yaml`);
  }
  const parsed = blueprintConfig.safeParse(document.toJS());
  const config = parsed.success
    ? withAbsolutePaths(
        { network: { mode: parsed.data.stage === 'prod' ? 'isolated' : 'none' }, ...byMode(parsed.data) },
        dirname(resolve(file)),
      )
    : undefined;
  const problems = config === undefined ? parsed.error!.issues.flatMap((issue) => explain(issue, document)) : rulesAcrossKeys(config);
  if (config !== undefined) {
    problems.push(...missingFiles(config));
  }
  if (problems.length > 0) {
    const shown = problems.map((problem) => `  ${where(document, lines, problem.path)}${problem.message}`);
    throw new Error(`InvalidConfig: ${file} has ${problems.length} problem${problems.length > 1 ? 's' : ''}:\n${shown.join('\n')}`);
  }
  return config!;
}

function explain(issue: z.core.$ZodIssue, document: Document): Problem[] {
  if (issue.code === 'unrecognized_keys') {
    const known = keysAt(issue.path, document);
    return issue.keys.map((key) => {
      const near = closest(key, known);
      return {
        path: [...issue.path, key],
        message: `unknown key: ${near ? `did you mean '${near}'?` : `allowed here: ${known.join(', ')}`}`,
      };
    });
  }
  if (issue.code === 'invalid_type' && issue.input === undefined && /received undefined/.test(issue.message)) {
    return [{ path: issue.path, message: 'is missing and required' }];
  }
  const got = document.getIn(issue.path);
  const shown = typeof got === 'string' || typeof got === 'number' || typeof got === 'boolean' ? `, got '${got}'` : '';
  return [{ path: issue.path, message: `${issue.message}${shown}` }];
}

interface SchemaNode {
  properties?: Record<string, SchemaNode>;
  additionalProperties?: SchemaNode | boolean;
  items?: SchemaNode;
  oneOf?: SchemaNode[];
  const?: unknown;
}

/** The keys that the schema knows at a path: the JSON Schema is walked, so that there is one list of keys. */
function keysAt(path: Path, document: Document): string[] {
  let nodes: SchemaNode[] = [blueprintJsonSchema() as SchemaNode];
  path.forEach((step, i) => {
    nodes = nodes.flatMap((node) => {
      const next = typeof step === 'number' ? node.items : (node.properties?.[String(step)] ?? node.additionalProperties);
      return typeof next === 'object' ? branches(next, document.getIn([...path.slice(0, i + 1), 'mode'])) : [];
    });
  });
  return [...new Set(nodes.flatMap((node) => Object.keys(node.properties ?? {})))];
}

/** A node itself, or those of its alternatives that its `mode` in the file selects; all of them where none does. */
function branches(node: SchemaNode, mode: unknown): SchemaNode[] {
  const { oneOf = [node] } = node;
  const chosen = oneOf.filter(({ properties }) => properties?.mode?.const === (mode ?? 'realtime'));
  return chosen.length > 0 ? chosen : oneOf;
}

/** Policies tell workloads apart by how names start: `a-dev` in stage `prod` would be within the reach of `a` in stage `dev`. */
function nameRules({ workload }: BlueprintConfig): Problem[] {
  const [, stage] = /-(dev|prod)(?:-|$)/.exec(workload) ?? [];
  const message = `must not have '${stage}' as a part after the first, got '${workload}': names of '${workload.split(`-${stage}`)[0]}' in stage ${stage} start so too`;
  return stage === undefined ? [] : [{ path: ['workload'], message }];
}

function rulesAcrossKeys(config: BlueprintConfig): Problem[] {
  const problems: Problem[] = [];
  const teams = Object.keys(config.teams);
  for (const [layer, team] of Object.entries(config.owners)) {
    if (!teams.includes(team)) {
      const near = closest(team, teams);
      const message = `'${team}' is no team: ${near ? `did you mean '${near}'?` : `known teams: ${teams.join(', ')}`}`;
      problems.push({ path: ['owners', layer], message });
    }
  }
  problems.push(...nameRules(config));
  if (config.stage === 'prod' && config.clock === 'replay') {
    problems.push({ path: ['clock'], message: "must be 'real' in prod: a replay would date real predictions wrongly" });
  }
  if (config.stage === 'prod' && config.data.deleteDataWithStack) {
    problems.push({ path: ['data', 'deleteDataWithStack'], message: 'must be false in prod: nothing is deleted there' });
  }
  problems.push(...endpointRules(config));
  problems.push(...trainingRules(config));
  const models = Object.keys(config.endpoints);
  const judged = config.objective?.model;
  if (judged !== undefined && models.length > 0 && !models.includes(judged)) {
    const near = closest(judged, models);
    const message = `'${judged}' is no endpoint: ${near ? `did you mean '${near}'?` : `known: ${models.join(', ')}`}`;
    problems.push({ path: ['objective', 'model'], message });
  }
  problems.push(...signatureRules(config));
  problems.push(...featureRules(config));
  if (config.data.rawRetentionDays < config.data.quarantineRetentionDays) {
    const message = `must be at least quarantineRetentionDays (${config.data.quarantineRetentionDays}): quarantined bytes are re-read from raw`;
    problems.push({ path: ['data', 'rawRetentionDays'], message });
  }
  return problems;
}

/** A trained model's instance type is known, and its dataset comes from a contract. */
function trainingRules({ endpoints, data, labelWindowHours }: BlueprintConfig): Problem[] {
  const datasets = data.contracts.filter(existsSync).map((file) => DataContract.fromFile(file).dataset);
  return Object.entries(endpoints).flatMap(([name, { model }]) => {
    if (model.training === undefined) {
      return [];
    }
    const path = ['endpoints', name, 'model', 'training'];
    const { dataset, instance, labelDelayDays } = model.training;
    const near = closest(dataset, datasets);
    const known = near ? `did you mean '${near}'?` : `known: ${datasets.join(', ')}`;
    return [
      ...(datasets.includes(dataset) ? [] : [{ path: [...path, 'dataset'], message: `'${dataset}' is in no contract: ${known}` }]),
      ...(labelDelayDays * 24 <= labelWindowHours
        ? []
        : [
            {
              path: [...path, 'labelDelayDays'],
              message: `must be within labelWindowHours (${labelWindowHours}), got ${labelDelayDays} days: predictions would expire before their labels come`,
            },
          ]),
      ...unknownInstanceType(instance, 'see the catalogue').map((message) => ({ path: [...path, 'instance'], message })),
      ...otherSplit(endpoints, name).map((message) => ({ path, message })),
    ];
  });
}

/** Versions of a dataset are divided once: all models that are trained on it take the same split. */
function otherSplit(endpoints: BlueprintConfig['endpoints'], name: string): string[] {
  const splitOf = ({ eventTime, labelDelayDays }: TrainingConfig) =>
    `eventTime ${eventTime.join(', ')} and labelDelayDays ${labelDelayDays}`;
  const own = endpoints[name].model.training!;
  const [first, { model }] = Object.entries(endpoints).find(([, other]) => other.model.training?.dataset === own.dataset)!;
  const wanted = splitOf(model.training!);
  return wanted === splitOf(own) ? [] : [`must have the split of endpoints.${first}, ${wanted}: dataset '${own.dataset}' has one`];
}

/** No tensor twice, and the decision that the objective counts among the outputs of each model that it counts. */
function signatureRules({ endpoints, objective }: BlueprintConfig): Problem[] {
  return Object.entries(endpoints).flatMap(([name, { signature }]) => {
    if (signature === undefined) {
      return [];
    }
    const doubles = (['inputs', 'outputs'] as const).flatMap((side) =>
      signature[side].flatMap((tensor, i) =>
        repeats(signature[side], i)
          ? [{ path: ['endpoints', name, 'signature', side, i, 'name'], message: `repeats '${tensor.name}': name each tensor once` }]
          : [],
      ),
    );
    const counts = objective !== undefined && (objective.model === undefined || objective.model === name);
    const decision = counts ? decisionProblems(objective.decisionOutput, signature.outputs) : [];
    return [
      ...doubles,
      ...decision.map((problem) => ({ path: ['objective', 'decisionOutput'], message: `${problem} (endpoints.${name}.signature)` })),
    ];
  });
}

/** `line 12, owners.data: `; for a missing key the line of the nearest parent that is there. */
function where(document: Document, lines: LineCounter, path: Path): string {
  for (let depth = path.length; depth >= 0; depth--) {
    const node = document.getIn(path.slice(0, depth), true) as { range?: [number, number, number] } | undefined;
    if (node?.range !== undefined && node.range !== null) {
      return `line ${lines.linePos(node.range[0]).line}, ${path.map(String).join('.') || '(file)'}: `;
    }
  }
  return `${path.map(String).join('.')}: `;
}
