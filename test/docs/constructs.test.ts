import { Construct } from 'constructs';
import { layers, read } from './pages';

/** The constructs of each layer, as the table of the first page names them. */
const rows = new Map(
  [...read('README.md').matchAll(/^\| \[([a-z]+)\]\(lib\/constructs\/\1\/README\.md\) \| (.*) \|$/gm)].map(
    ([, layer, text]) => [layer, [...text.matchAll(/`(\w+)`/g)].map(([, name]) => name)] as const,
  ),
);

/** What nobody makes: the base of the endpoints, and the parts that `addVariant` and its like return. */
const MADE_BY_OTHERS = ['EndpointBase', 'EndpointVariant', 'ShadowVariant'];

const exportsOf = async (layer: string) => (await import(`../../lib/constructs/${layer}`)) as Record<string, unknown>;
const isConstruct = (value: unknown) => typeof value === 'function' && value.prototype instanceof Construct;

describe('the table of constructs on the first page [W1]', () => {
  test('has a row for each layer that exports something', async () => {
    const exporting = await Promise.all(layers().map(async (layer) => [layer, Object.keys(await exportsOf(layer)).length > 0] as const));
    expect([...rows.keys()].sort()).toEqual(exporting.flatMap(([layer, some]) => (some ? [layer] : [])).sort());
  });

  test.each(layers())('names every construct of %s, and nothing that its layer does not export', async (layer) => {
    const exported = await exportsOf(layer);
    const named = rows.get(layer) ?? [];
    expect(named.filter((name) => !(name in exported))).toEqual([]);
    const constructs = Object.keys(exported).filter((name) => isConstruct(exported[name]) && !MADE_BY_OTHERS.includes(name));
    expect(constructs.filter((name) => !named.includes(name))).toEqual([]);
  });
});
