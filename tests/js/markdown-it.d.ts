/** What we use of markdown-it, which is vendored without its types. */

export interface Token {
  type: string;
  tag: string;
  nesting: number;
  level: number;
  block: boolean;
  hidden: boolean;
  info: string;
  content: string;
  attrs: [string, string][] | null;
  children: Token[] | null;
  attrGet(name: string): string | null;
  attrSet(name: string, value: string): void;
}

export interface StateBlock {
  src: string;
  env: { cells?: number; definitions?: number };
  tokens: Token[];
  line: number;
  bMarks: number[];
  eMarks: number[];
  tShift: number[];
  isEmpty(line: number): boolean;
}

export type BlockRule = (state: StateBlock, start: number, end: number, silent: boolean) => boolean;

export interface StateCore {
  tokens: Token[];
  Token: new (type: string, tag: string, nesting: number) => Token;
}

export type CoreRule = (state: StateCore) => void;

declare class StateInline {
  src: string;
  posMax: number;
  scanDelims(
    start: number,
    canSplitWord: boolean,
  ): { can_open: boolean; can_close: boolean; length: number };
}

export default class MarkdownIt {
  constructor(preset: string, options?: { html?: boolean; breaks?: boolean });
  options: { maxNesting: number };
  core: {
    ruler: {
      push(name: string, rule: CoreRule): void;
      before(name: string, own: string, rule: CoreRule): void;
      after(name: string, own: string, rule: CoreRule): void;
    };
  };
  block: {
    ruler: {
      at(name: string, rule: BlockRule, options?: { alt: string[] }): void;
      enableOnly(names: string[]): void;
      getRules(chain: string): BlockRule[];
    };
  };
  inline: { State: new (...args: any[]) => StateInline };
  renderer: { render(tokens: Token[], options: object, env: object): string };
  utils: {
    escapeHtml(text: string): string;
    isMdAsciiPunct(code: number): boolean;
    isPunctChar(char: string): boolean;
    isWhiteSpace(code: number): boolean;
  };
  validateLink: (url: string) => boolean;
  enable(rules: string[]): this;
  disable(rule: string): this;
  parse(text: string, env: object): Token[];
}
