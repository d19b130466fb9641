declare const htm: {
  bind<Node>(h: (type: string, props: object | null, ...children: unknown[]) => Node): (
    strings: TemplateStringsArray,
    ...values: unknown[]
  ) => Node;
};
export default htm;
