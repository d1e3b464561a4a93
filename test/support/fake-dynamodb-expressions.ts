import { isDeepStrictEqual } from 'node:util';
import type { AttributeValue } from '@aws-sdk/client-dynamodb';

type Item = Record<string, AttributeValue>;

/** The parts of a request that hold expressions. */
export interface Expressions {
  ConditionExpression?: string;
  UpdateExpression?: string;
  ExpressionAttributeNames?: Record<string, string>;
  ExpressionAttributeValues?: Item;
}

/** Whether a condition holds for an item. Errors: a name or value that is not defined, or a form that this fake does not read. */
export function holds(expressions: Expressions, item: Item | undefined): boolean {
  const text = expressions.ConditionExpression;
  if (text === undefined) {
    return true;
  }
  const tokens = text.match(/attribute_exists|attribute_not_exists|begins_with|AND|OR|NOT|[#:]?\w+|<=|>=|<>|[=<>(),]/g)!;
  const parser = new Parser(tokens, expressions, item ?? {});
  const result = parser.or();
  if (parser.rest() !== undefined) {
    throw new Error(`ValidationException: '${parser.rest()}' in ${text}`);
  }
  return result;
}

class Parser {
  private position = 0;

  constructor(
    private readonly tokens: string[],
    private readonly expressions: Expressions,
    private readonly item: Item,
  ) {}

  rest(): string | undefined {
    return this.tokens[this.position];
  }

  or(): boolean {
    let result = this.and();
    while (this.rest() === 'OR') {
      this.position++;
      const right = this.and();
      result = result || right;
    }
    return result;
  }

  private and(): boolean {
    let result = this.term();
    while (this.rest() === 'AND') {
      this.position++;
      const right = this.term();
      result = result && right;
    }
    return result;
  }

  private term(): boolean {
    const token = this.next();
    if (token === 'NOT') {
      return !this.term();
    }
    if (token === '(') {
      const result = this.or();
      this.expect(')');
      return result;
    }
    if (token === 'attribute_exists' || token === 'attribute_not_exists') {
      this.expect('(');
      const value = this.operand(this.next());
      this.expect(')');
      return (value !== undefined) === (token === 'attribute_exists');
    }
    if (token === 'begins_with') {
      this.expect('(');
      const value = this.operand(this.next());
      this.expect(',');
      const prefix = this.operand(this.next());
      this.expect(')');
      return value?.S?.startsWith(prefix!.S!) ?? false;
    }
    const left = this.operand(token);
    const operator = this.next();
    if (operator === 'BETWEEN') {
      return this.between(left);
    }
    return operator === 'IN' ? this.among(left) : this.comparison(left, operator, this.operand(this.next()));
  }

  private between(left: AttributeValue | undefined): boolean {
    const low = this.operand(this.next());
    this.expect('AND');
    const high = this.operand(this.next());
    return this.comparison(left, '>=', low) && this.comparison(left, '<=', high);
  }

  private among(left: AttributeValue | undefined): boolean {
    this.expect('(');
    let found = false;
    let separator = ',';
    while (separator === ',') {
      const value = this.operand(this.next());
      found = found || (left !== undefined && isDeepStrictEqual(left, value));
      separator = this.next();
    }
    return found;
  }

  private comparison(left: AttributeValue | undefined, operator: string, right: AttributeValue | undefined): boolean {
    if (operator === '=' || operator === '<>') {
      return (left !== undefined && isDeepStrictEqual(left, right)) === (operator === '=');
    }
    if (left === undefined || right === undefined) {
      return false;
    }
    const [a, b] = left.N === undefined ? [left.S!, right.S!] : [Number(left.N), Number(right.N)];
    return { '<': a < b, '<=': a <= b, '>': a > b, '>=': a >= b }[operator]!;
  }

  private operand(token: string): AttributeValue | undefined {
    return token.startsWith(':') ? valueIn(this.expressions, token) : this.item[nameIn(this.expressions, token)];
  }

  private next(): string {
    return this.tokens[this.position++];
  }

  private expect(token: string): void {
    if (this.next() !== token) {
      throw new Error(`ValidationException: '${token}' expected in ${this.tokens.join(' ')}`);
    }
  }
}

/** The item after `SET a = :a, ... REMOVE b, ... ADD c :c, ...`. */
export function applyUpdate(expressions: Expressions, item: Item): Item {
  const next = { ...item };
  for (const [, verb, body] of expressions.UpdateExpression!.matchAll(/(SET|ADD|REMOVE) (.+?)(?= (?:SET|ADD|REMOVE) |$)/g)) {
    for (const part of body.split(/, (?![^(]*\))/)) {
      const [, name, value] = /^(\S+)(?: =)?(?: (.+))?$/.exec(part)!;
      const attribute = nameIn(expressions, name);
      if (verb === 'REMOVE') {
        delete next[attribute];
      } else {
        const given = valueOf(expressions, item, value);
        next[attribute] = verb === 'ADD' ? { N: String(Number(next[attribute]?.N ?? 0) + Number(given.N)) } : given;
      }
    }
  }
  return next;
}

/** A value, or `if_not_exists(name, :value)`. */
function valueOf(expressions: Expressions, item: Item, text: string): AttributeValue {
  const [, name, fallback] = /^if_not_exists\((\S+), (\S+)\)$/.exec(text) ?? [];
  return name === undefined ? valueIn(expressions, text) : (item[nameIn(expressions, name)] ?? valueIn(expressions, fallback));
}

/**
 * Words that an expression must write as `#name`, as far as these tables have such attributes
 * (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ReservedWords.html).
 */
const RESERVED = new Set(['state', 'row', 'rows', 'key', 'at', 'owner', 'sequence', 'count', 'last']);

function nameIn({ ExpressionAttributeNames }: Expressions, name: string): string {
  const real = name.startsWith('#') ? ExpressionAttributeNames?.[name] : name;
  if (real === undefined || RESERVED.has(name)) {
    throw new Error(`ValidationException: ${name} is not defined or a reserved word`);
  }
  return real;
}

function valueIn({ ExpressionAttributeValues }: Expressions, value: string): AttributeValue {
  if (ExpressionAttributeValues?.[value] === undefined) {
    throw new Error(`ValidationException: ${value} is not defined`);
  }
  return ExpressionAttributeValues[value];
}
