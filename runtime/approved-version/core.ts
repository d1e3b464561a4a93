/** A pointer as this handler needs it: SSM parameters, injected so that the rules are tested without AWS. */
export interface Pointers {
  /** Puts a value where there is none; false, and nothing changed, when there is one. */
  createIfAbsent(name: string, value: string): Promise<boolean>;
  /** Deletes a parameter; one that is not there is no error. */
  remove(name: string): Promise<void>;
}

/** What AWS CloudFormation asks for, as far as it matters here. */
export interface SeedRequest {
  readonly RequestType: 'Create' | 'Update' | 'Delete';
  /** Not there on Create. */
  readonly PhysicalResourceId?: string;
  readonly ResourceProperties: {
    readonly ParameterName: string;
    readonly InitialValue: string;
    /** Text, because AWS CloudFormation hands every property over as text. */
    readonly DeleteWhatItCreated: string;
  };
}

/** The physical id says who made the pointer, because nothing else survives until the resource is deleted. */
export const createdId = (name: string): string => `${name}#created`;
export const adoptedId = (name: string): string => `${name}#adopted`;

/**
 * Seeds a pointer once and never touches it again: a pointer that is there is adopted as it is, an update does nothing, and only a pointer
 * that this very resource made is deleted, when it was told to. Answers the physical id.
 */
export async function seed(request: SeedRequest, pointers: Pointers): Promise<string> {
  const { ParameterName: name, InitialValue: value, DeleteWhatItCreated: removable } = request.ResourceProperties;
  if (request.RequestType === 'Create') {
    return (await pointers.createIfAbsent(name, value)) ? createdId(name) : adoptedId(name);
  }
  const id = request.PhysicalResourceId ?? adoptedId(name);
  if (request.RequestType === 'Delete' && id === createdId(name) && removable === 'true') {
    await pointers.remove(name);
  }
  return id;
}
