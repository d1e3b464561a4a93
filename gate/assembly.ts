import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/* eslint-disable @typescript-eslint/no-explicit-any -- a template is whatever somebody synthesized */
export interface Resource {
  Type: string;
  Properties?: Record<string, any>;
  DependsOn?: string | string[];
  Condition?: string;
  Metadata?: Record<string, any>;
  UpdatePolicy?: Record<string, any>;
  CreationPolicy?: Record<string, any>;
}

export interface Template {
  Resources?: Record<string, Resource>;
  Parameters?: Record<string, any>;
  Conditions?: Record<string, any>;
  Mappings?: Record<string, any>;
  Outputs?: Record<string, any>;
  Rules?: Record<string, any>;
}

/** One template of an assembly. */
export interface Subject {
  stack: string;
  file: string;
  template: Template;
}

/** Every template of a cloud assembly: stacks, stages inside it, nested stacks. Errors: not an assembly, or one that names missing files. */
export function loadAssembly(folder: string): Subject[] {
  const manifest = join(folder, 'manifest.json');
  if (!existsSync(manifest)) {
    throw new Error(`NotAnAssembly: ${folder} has no manifest.json: give the folder that \`cdk synth -o <folder>\` wrote`);
  }
  const artifacts: Record<string, any> = JSON.parse(readFileSync(manifest, 'utf8')).artifacts ?? {};
  return Object.entries(artifacts).flatMap(([id, { type, properties, displayName }]) => {
    if (type === 'cdk:cloud-assembly') {
      return loadAssembly(join(folder, properties.directoryName));
    }
    return type === 'aws:cloudformation:stack' ? loadStack(displayName ?? id, join(folder, properties.templateFile)) : [];
  });
}

function loadStack(stack: string, file: string): Subject[] {
  const template: Template = JSON.parse(readFileSync(file, 'utf8'));
  const nested = Object.entries(template.Resources ?? {})
    .filter(([, { Type }]) => Type === 'AWS::CloudFormation::Stack')
    .map(([id, { Properties }]): [string, string | undefined] => [`${stack}/${id}`, assetFile(dirname(file), Properties?.TemplateURL)]);
  return [{ stack, file, template }, ...nested.flatMap(([name, path]) => (path === undefined ? [] : loadStack(name, path)))];
}

/** The file behind a template URL or the key of a JSON file: its name is the hash of an asset, which an asset manifest of the same folder maps to a file. */
export function assetFile(folder: string, url: unknown): string | undefined {
  const hash = /([0-9a-f]{64})\.json/.exec(JSON.stringify(url) ?? '')?.[1];
  for (const manifest of readdirSync(folder).filter((name) => hash !== undefined && name.endsWith('.assets.json'))) {
    const path = JSON.parse(readFileSync(join(folder, manifest), 'utf8')).files?.[hash!]?.source.path;
    if (path !== undefined) {
      return join(folder, path);
    }
  }
  return undefined;
}
