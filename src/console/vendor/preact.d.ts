// Only what the console uses.

export interface VNode {
  readonly type: unknown;
}
export type Children = unknown;
export interface Component {
  readonly props: unknown;
}
export function h<Props>(type: (props: Props) => VNode | null, props: Props & { readonly key?: string | number }): VNode;
export function h(type: string, props: object | null, ...children: Children[]): VNode;
export function render(view: VNode | null, parent: Element): void;
