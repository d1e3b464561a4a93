const FIRST_BYTES = 1024;

/** Collects bytes outside the heap of JavaScript. */
export class ByteSink {
  /** All bytes that came so far, taken or not. */
  public offset = 0;
  private bytes = Buffer.allocUnsafe(FIRST_BYTES);
  private filled = 0;

  public byte(value: number): void {
    this.reserve(1);
    this.bytes[this.filled++] = value;
    this.offset++;
  }

  /** An unsigned number below 2^53, seven bits a byte. */
  public varint(value: number): void {
    for (; value > 0x7f; value = Math.floor(value / 0x80)) {
      this.byte((value % 0x80) | 0x80);
    }
    this.byte(value);
  }

  public append(bytes: Uint8Array): void {
    this.reserve(bytes.length);
    this.bytes.set(bytes, this.filled);
    this.filled += bytes.length;
    this.offset += bytes.length;
  }

  /** A copy of what came since the last time; the sink goes on in the same memory. */
  public take(): Buffer {
    const taken = Buffer.from(this.bytes.subarray(0, this.filled));
    this.filled = 0;
    return taken;
  }

  private reserve(more: number): void {
    if (this.filled + more > this.bytes.length) {
      const grown = Buffer.allocUnsafe(2 * (this.filled + more));
      this.bytes.copy(grown, 0, 0, this.filled);
      this.bytes = grown;
    }
  }
}
