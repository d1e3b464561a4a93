/** Undefined for a name that is not there any more: AWS answers one with a validation error of varying text. */
export async function known<T>(request: Promise<T>): Promise<T | undefined> {
  try {
    return await request;
  } catch (error) {
    const { name, message } = error as Error;
    if (/^Validation(Exception|Error)$/.test(name) && /could not find|does not exist|not found/i.test(message)) {
      return undefined;
    }
    throw error;
  }
}
