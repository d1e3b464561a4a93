import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { demoConfig } from '../../../local/start/demo-config';

const ROOT = resolve(__dirname, '../../..');
const folder = mkdtempSync(join(tmpdir(), 'demo-config-'));
const dev = readFileSync(join(ROOT, 'config/dev.yaml'), 'utf8').replaceAll('../examples', join(ROOT, 'examples'));

afterAll(() => rmSync(folder, { recursive: true }));

function written(text: string): string {
  const file = join(folder, 'config.yaml');
  writeFileSync(file, text);
  return file;
}

describe('the config of npm start [W1]', () => {
  test('is any that has what the replayed flights need', () => {
    expect(demoConfig(written(dev)).workload).toBe('flight-delays');
  });

  test('fails before anything is started, with everything that the replay does not find', () => {
    const contract = join(folder, 'other.odcs.yaml');
    const source = readFileSync(join(ROOT, 'examples/flight-delays/contracts/flights.odcs.yaml'), 'utf8');
    writeFileSync(contract, source.replaceAll(/^(id|name): flights$/gm, '$1: trains'));
    const text = dev
      .replace('clock: replay', 'clock: real')
      .replace('\n  delay:', '\n  eta:')
      .replace('model: delay', 'model: eta')
      .replaceAll('dataset: flights', 'dataset: trains')
      .replace('    flights: { shardCount', '    trains: { shardCount')
      .replace(/contracts: \[.*\]/, `contracts: [${contract}]`);
    expect(() => demoConfig(written(text))).toThrow(
      /UnfitConfig: .* 'clock' must be 'replay': .*; 'endpoints' needs 'delay': .*; 'data.contracts' needs one with the name 'flights', found trains/,
    );
  });

  test('fails on a model that is not trained here: the demonstration trains and releases it', () => {
    const asset = join(ROOT, 'examples/flight-delays/model/package');
    const text = dev.replace(/ {4}model:\n( {6}.*\n)+/, `    model: { asset: ${asset} }\n`);
    expect(() => demoConfig(written(text))).toThrow(
      /UnfitConfig: .* 'endpoints.delay.model' needs 'training': it is trained, released and undone/,
    );
  });

  test('fails on a contract that makes no sense, before anything is started', () => {
    const contract = join(folder, 'bad.odcs.yaml');
    const source = readFileSync(join(ROOT, 'examples/flight-delays/contracts/flights.odcs.yaml'), 'utf8');
    writeFileSync(contract, source.replace('minimum: 1, maximum: 12', 'minimum: 12, maximum: 1'));
    expect(() => demoConfig(written(dev.replace(/contracts: \[.*\]/, `contracts: [${contract}]`)))).toThrow(/InvalidDataContract/);
  });
});
