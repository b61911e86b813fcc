import { refused } from '../base/errors.ts';

/** What a prompt resolves to. Throws `interrupted`, saying `outcome`, where the person left it by Ctrl-C or by closing the terminal. */
export async function orInterrupted<T>(prompt: Promise<T>, outcome: string): Promise<T> {
  try {
    return await prompt;
  } catch (error) {
    if (error instanceof Error && ['ExitPromptError', 'AbortPromptError'].includes(error.name))
      throw refused('interrupted', `Interrupted. ${outcome}`, { cause: error });
    throw error;
  }
}
