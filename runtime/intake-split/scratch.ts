import { closeSync, openSync, rmSync } from 'node:fs';
import { join } from 'node:path';

let made = 0;

/** Files without a name in a folder: a crash leaves none. */
export class Scratch {
  private readonly files: number[] = [];

  constructor(private readonly folder: string) {}

  public open(): number {
    const path = join(this.folder, `split-${process.pid}-${made++}`);
    const file = openSync(path, 'wx+');
    rmSync(path);
    this.files.push(file);
    return file;
  }

  public close(): void {
    this.files.splice(0).forEach((file) => closeSync(file));
  }
}
