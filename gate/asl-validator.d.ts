declare module 'asl-validator' {
  interface Outcome {
    isValid: boolean;
    errors: { Message?: string; 'Error code': string }[];
  }
  function validate(definition: unknown, options?: { checkPaths?: boolean; checkArn?: boolean }): Outcome;
  export = validate;
}
