/** The types of the modules that `pure-rand` names in `exports`, which the project's module resolution does not read. */
declare module 'pure-rand/generator/xoroshiro128plus' {
  export interface Generator {
    next(): number;
    jump(): void;
  }
  export function xoroshiro128plus(seed: number): Generator;
}

declare module 'pure-rand/distribution/uniformFloat64' {
  export function uniformFloat64(generator: { next(): number }): number;
}
