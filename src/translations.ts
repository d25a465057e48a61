import {
  ITranslator,
  nullTranslator,
  TranslationBundle
} from '@jupyterlab/translation';

/** Return the translations of this extension; the English texts where nothing translates. */
export function translations(
  translator: ITranslator | null
): TranslationBundle {
  return (translator ?? nullTranslator).load('jmcp_lab');
}
