import type { A } from './a';

/** A shape. */
interface Shape<T extends object = {}> extends A {
  readonly kind: 'square' | "circle";
  area?(scale: number): number;
  [key: string]: unknown;
}
type Names = `get${string}` | keyof Shape | [a: string, b?: number];
type Inner<T> = T extends Array<infer U> ? U : never;
enum Colour { Red = 1, Green }
namespace Space { export const x = 1 }
declare function outside(x: number): asserts x is 1;

abstract class Point implements Shape {
  kind = 'square' as const;
  constructor(private readonly x: number, public y?: number) { super() }
  abstract area(): number;
  get size(): number { return this.x! ** 2 }
}

function same<T>(value: T, ...rest: string[]): value is T;
function same<T>(value: T): boolean {
  const f = (a: number): void => { if (a satisfies number) { return } };
  for (const x of <number[]>[1, 2]) { f(x) } // why
  return /x+/.test(`t${value}`) && value !== undefined;
}
export { same as default };
