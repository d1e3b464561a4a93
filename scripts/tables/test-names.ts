// The names of the tests of a file, read from its text.

/** A name is a text in quotes before a comma, or the name or docstring of a Python test. */
export const namesOf = (text: string): string[] =>
  [...text.matchAll(/(['"`])((?:(?!\1)[^\n])*)\1,|def test_(\w+)[^\n]*\n(?:\s+"""([\s\S]*?)""")?/g)].map(
    ([, , typescript, python, docstring]) => typescript ?? [python.replaceAll('_', ' '), docstring].filter(Boolean).join(': '),
  );
