/** What we use of markdown-it, which is vendored without its types. */
export default class MarkdownIt {
  constructor(preset: string, options?: { html?: boolean; breaks?: boolean });
  enable(rules: string[]): this;
  disable(rule: string): this;
  render(text: string): string;
}
