// Sends files through the intake while everything breaks and leaves the evidence for verify/audit.py:
// `main <folder> <files> <rows> <seed> <compiled contract> <flights>`. Prints how often each crash point was hit.
import { readFileSync } from 'node:fs';
import type { CompiledContract } from '../../lib/constructs/data/data-contract/contract';
import { leaveEvidence } from './evidence';
import { filesToSend, largeBytes } from './files';
import { Service } from './service';
import { Simulation } from './simulation';

async function main([folder, files, rows, seed, contract, data]: string[]): Promise<void> {
  const service = new Service(JSON.parse(readFileSync(contract, 'utf8')) as CompiledContract, largeBytes(Number(files), Number(rows)));
  const sent = await filesToSend(data, Number(files), Number(rows), seed);
  const show = (text: string) => process.stderr.isTTY && process.stderr.write(`\r\x1b[2K${text}`);
  const simulation = new Simulation(service, sent, seed, show);
  await simulation.run();
  show('');
  leaveEvidence(service, folder);
  console.log(
    JSON.stringify({
      hits: Object.fromEntries(simulation.hits),
      versions: sent.length,
      hours: (service.now - Date.parse('2026-03-01T00:00:00.000Z')) / 3_600_000,
    }),
  );
  // Attempts that died wait for ever.
  process.exit(0);
}

void main(process.argv.slice(2));
