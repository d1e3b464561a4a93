import { ResourceView } from './resource-view';

/** Adds to the list of a key. @internal */
export function push<T>(map: Map<string, T[]>, key: string, value: T): void {
  const list = map.get(key);
  if (list === undefined) {
    map.set(key, [value]);
  } else {
    list.push(value);
  }
}

/** Members by the path of what each belongs to. @internal */
export function grouped<T>(members: readonly T[], owners: (member: T) => ResourceView[]): Map<string, T[]> {
  const map = new Map<string, T[]>();
  for (const member of members) {
    for (const path of new Set(owners(member).map((owner) => owner.path))) {
      push(map, path, member);
    }
  }
  return map;
}
