import { Part } from './contract-document';
import { ContractProblem } from './contract-problem';

/**
 * What becomes of each property that the standard gives a part of a contract: `read` changes what is checked (or is refused by its value), `told` is for people
 * and states no rule on data here, and any other text is why it is refused. There is no fourth: a rule that nobody checks would be a promise that nobody keeps.
 */
type Terms = Readonly<Record<string, string>>;

const all = (treatment: string, names: string): Terms => Object.fromEntries(names.split(' ').map((name) => [name, treatment]));

const OTHER_DATA =
  'cannot be checked here: a file is judged by itself, without the data that it refers to; leave it out, or say it in a description';
const NESTED = 'cannot be checked here: a field of a file holds one value, without parts; give each part a column of its own';
const EACH_FILE = 'cannot be followed here: a rule is applied to each file as it arrives: leave it out';
const ALWAYS = 'cannot be followed here: the limit holds at all times; leave it out';
const OTHER_ENGINE = 'cannot be followed here: no rule of another engine is run; leave it out';

/** The standard's properties of each part (https://bitol-io.github.io/open-data-contract-standard/v3.1.0/). @internal */
export const TERMS = {
  document: {
    ...all('read', 'version kind apiVersion id name status schema team slaProperties customProperties'),
    ...all('told', 'tenant tags servers dataProduct description domain support price roles authoritativeDefinitions contractCreatedTs'),
    slaDefaultElement: "is deprecated by the standard and read by nobody here: give 'element' to each service level",
  },
  object: {
    ...all('read', 'name logicalType properties quality customProperties'),
    ...all('told', 'id physicalType physicalName description businessName authoritativeDefinitions tags dataGranularityDescription'),
    relationships: OTHER_DATA,
  },
  property: {
    ...all('read', 'name primaryKey primaryKeyPosition logicalType logicalTypeOptions physicalName required unique classification quality'),
    ...all('read', 'customProperties'),
    ...all('told', 'id physicalType description businessName authoritativeDefinitions tags partitioned partitionKeyPosition encryptedName'),
    ...all('told', 'transformSourceObjects transformLogic transformDescription examples criticalDataElement'),
    relationships: OTHER_DATA,
    ...all(NESTED, 'properties items'),
  },
  quality: {
    ...all('read', 'type metric arguments unit severity'),
    ...all(
      'read',
      'mustBe mustNotBe mustBeGreaterThan mustBeGreaterOrEqualTo mustBeLessThan mustBeLessOrEqualTo mustBeBetween mustNotBeBetween',
    ),
    ...all('told', 'id name description dimension businessImpact tags authoritativeDefinitions'),
    rule: "cannot be followed here: the standard replaced it by 'metric': leave it out",
    method: 'cannot be followed here: there is no second source to compare with: leave it out',
    ...all(EACH_FILE, 'schedule scheduler'),
    ...all(OTHER_ENGINE, 'query engine implementation customProperties'),
  },
  /** Of the levels that are limits of alarms; the others are promises to readers. */
  level: {
    ...all('read', 'property value unit element'),
    ...all('told', 'id driver description'),
    ...all(ALWAYS, 'valueExt schedule scheduler'),
  },
  /** Where data may be had; what a file must be stands in `schema` and `customProperties`. */
  server: all(
    'told',
    'id server type description environment roles customProperties account catalog database dataset delimiter endpointUrl format host location path port ' +
      'project region regionName schema serviceName stagingDir stream warehouse',
  ),
} as const satisfies Record<string, Terms>;

/** Problems of what a part says and nobody here would check; a property without a treatment is one too. @internal */
export function unreadTerms(given: Part, of: keyof typeof TERMS, path: string): ContractProblem[] {
  const terms: Terms = TERMS[of];
  return Object.keys(given)
    .map((name) => ({ name, why: Object.hasOwn(terms, name) ? terms[name] : 'is unknown here: leave it out' }))
    .filter(({ name, why }) => given[name] !== undefined && why !== 'read' && why !== 'told')
    .map(({ name, why }) => ({ path: path === '' ? name : `${path}.${name}`, text: why }));
}
