/** The requests that one server decodes, by the reading of its virtual clock at which each is done. A binary heap in typed arrays. */
export class FinishHeap {
  public size = 0;
  private keys = new Float64Array(16);
  private slots = new Int32Array(16);

  /** The lowest key; the heap must not be empty. */
  public get key(): number {
    return this.keys[0];
  }

  public push(key: number, slot: number): void {
    if (this.size === this.slots.length) {
      this.grow();
    }
    const { keys, slots } = this;
    let hole = this.size++;
    while (hole > 0) {
      const parent = (hole - 1) >> 1;
      if (keys[parent] <= key) {
        break;
      }
      keys[hole] = keys[parent];
      slots[hole] = slots[parent];
      hole = parent;
    }
    keys[hole] = key;
    slots[hole] = slot;
  }

  /** Takes out the request with the lowest key; the heap must not be empty. */
  public pop(): number {
    const { keys, slots } = this;
    const top = slots[0];
    const size = --this.size;
    const key = keys[size];
    const slot = slots[size];
    let hole = 0;
    for (let child = 1; child < size; child = 2 * hole + 1) {
      if (child + 1 < size && keys[child + 1] < keys[child]) {
        child++;
      }
      if (keys[child] >= key) {
        break;
      }
      keys[hole] = keys[child];
      slots[hole] = slots[child];
      hole = child;
    }
    keys[hole] = key;
    slots[hole] = slot;
    return top;
  }

  private grow(): void {
    this.keys = doubled(this.keys, Float64Array);
    this.slots = doubled(this.slots, Int32Array);
  }
}

/** When each server has something to do next. An indexed binary heap: a server's time can be changed where it is. */
export class NextEvents {
  private size = 0;
  private times = new Float64Array(16);
  private heap = new Int32Array(16);
  private places = new Int32Array(16).fill(-1);

  /** The earliest time, or Infinity when no server has anything to do. */
  public get time(): number {
    return this.size === 0 ? Infinity : this.times[this.heap[0]];
  }

  /** The server with the earliest time; there must be one. */
  public get server(): number {
    return this.heap[0];
  }

  /** Sets the time of a server; Infinity takes it out. */
  public set(server: number, time: number): void {
    while (server >= this.places.length) {
      this.grow();
    }
    let place = this.places[server];
    if (time === Infinity) {
      if (place >= 0) {
        this.remove(server, place);
      }
      return;
    }
    this.times[server] = time;
    if (place < 0) {
      place = this.size++;
    }
    this.settle(server, place);
  }

  private remove(server: number, place: number): void {
    this.places[server] = -1;
    const last = this.heap[--this.size];
    if (last !== server) {
      this.settle(last, place);
    }
  }

  private settle(server: number, from: number): void {
    const { heap, places, times, size } = this;
    const time = times[server];
    let hole = from;
    while (hole > 0 && times[heap[(hole - 1) >> 1]] > time) {
      const parent = (hole - 1) >> 1;
      heap[hole] = heap[parent];
      places[heap[hole]] = hole;
      hole = parent;
    }
    for (let child = 2 * hole + 1; child < size; child = 2 * hole + 1) {
      if (child + 1 < size && times[heap[child + 1]] < times[heap[child]]) {
        child++;
      }
      if (times[heap[child]] >= time) {
        break;
      }
      heap[hole] = heap[child];
      places[heap[hole]] = hole;
      hole = child;
    }
    heap[hole] = server;
    places[server] = hole;
  }

  private grow(): void {
    const { length } = this.places;
    this.times = doubled(this.times, Float64Array);
    this.heap = doubled(this.heap, Int32Array);
    this.places = doubled(this.places, Int32Array).fill(-1, length);
  }
}

/** The same numbers in an array of twice the length. */
export function doubled<T extends Float64Array | Int32Array>(array: T, kind: new (length: number) => T): T {
  const grown = new kind(array.length * 2);
  grown.set(array);
  return grown;
}
