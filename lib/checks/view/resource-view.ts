import {
  CfnResource,
  DefaultTokenResolver,
  IFragmentConcatenator,
  IPostProcessor,
  IResolvable,
  IResolveContext,
  Reference,
  Stack,
  Tokenization,
} from 'aws-cdk-lib';
import { get, isIntrinsic, isOpen, literal, resourcesIn, tokenOf, visitIntrinsics, written } from './values';

/** A resource as its template will show it, but for references: they name construct paths, in whatever stack the resource is. @internal */
export interface ResourceView {
  readonly node: CfnResource;
  readonly path: string;
  readonly type: string;
  readonly stack: Stack;
  readonly properties: unknown;
  readonly dependsOn: readonly string[];
}

const CONCATENATION: IFragmentConcatenator = {
  join: (left: unknown, right: unknown) => ({ 'Fn::Join': ['', [...partsOf(left), ...partsOf(right)]] }),
};

function partsOf(value: unknown): unknown[] {
  const joined = isIntrinsic(value) ? value['Fn::Join'] : undefined;
  if (Array.isArray(joined) && joined[0] === '' && Array.isArray(joined[1])) {
    return joined[1];
  }
  return value === undefined ? [] : [value];
}

/** Keeps references between stacks and nested stacks as what they mean, not as the export or parameter that carries them. */
class ReferencesByPath extends DefaultTokenResolver {
  constructor() {
    super(CONCATENATION);
  }

  override resolveToken(token: IResolvable, context: IResolveContext, postProcessor: IPostProcessor): unknown {
    if (Reference.isReference(token) && CfnResource.isCfnResource(token.target)) {
      return { Ref: tokenOf(token.target.node.path, token.displayName) };
    }
    return super.resolveToken(token, context, postProcessor);
  }
}

const RESOLVER = new ReferencesByPath();

/** A resource with its tokens resolved; undefined when that is not possible, which CDK's own synthesis reports. @internal */
export function viewOf(node: CfnResource, pathOf: (stack: Stack, logicalId: string) => string | undefined): ResourceView | undefined {
  const stack = Stack.of(node);
  try {
    const fragment = (node as unknown as { _toCloudFormation(): object })._toCloudFormation();
    const resolved: unknown = Tokenization.resolve(fragment, { scope: node, resolver: RESOLVER, preparing: false });
    const [resource] = Object.values((get(resolved, 'Resources') ?? {}) as object) as unknown[];
    if (resource === undefined) {
      return undefined;
    }
    const properties = get(resource, 'Properties');
    visitIntrinsics(properties, (intrinsic) => nameById(intrinsic, (id) => pathOf(stack, id)));
    const named = [...((get(resource, 'DependsOn') as string[] | undefined) ?? [])].map((id) => pathOf(stack, id) ?? id);
    return { node, path: node.node.path, type: node.cfnResourceType, stack, properties, dependsOn: [...named, ...referred(properties)] };
  } catch {
    return undefined;
  }
}

/** What a template names by logical id (Fn.getAtt, included templates) gets the path of the construct too. */
function nameById(intrinsic: Record<string, unknown>, pathOf: (id: string) => string | undefined): void {
  const attribute = intrinsic['Fn::GetAtt'];
  if (Array.isArray(attribute) && literal(attribute[0]) !== undefined) {
    attribute[0] = pathOf(String(attribute[0])) ?? attribute[0];
  } else if (typeof intrinsic.Ref === 'string' && !isOpen(intrinsic.Ref) && !intrinsic.Ref.startsWith('AWS::')) {
    const path = pathOf(intrinsic.Ref);
    intrinsic.Ref = path === undefined ? intrinsic.Ref : tokenOf(path, 'Ref');
  }
}

function referred(properties: unknown): string[] {
  const paths: string[] = [];
  visitIntrinsics(properties, (intrinsic) => paths.push(...resourcesIn(written(intrinsic) ?? '')));
  return paths;
}
