#!/usr/bin/env node
'use strict';
import x, { y as z } from "./m.js";

/** A point. */
class Point extends Base {
  static #count = 0;
  x = 1;
  constructor({ a, b: [c = 2], ...rest }) { super(a); this.x = c }
  get size() { return this.#count ?? rest?.length }
  static async *items() { yield* await z }
}

const square = async (n, m = 1) => n ** 2;
var old = function named(p) { arguments; return typeof p === 'undefined' ? void 0 : p };
let text = `a ${square(`b ${x}`)} c`, pattern = /[/\]]+\/x/gi;
exports.go = function () {
  for (let i = 0, j; i < 3; i++) { if (i in x || !(x instanceof Object)) continue; else delete x[i] }
  label: for (const [k, v] of Object.entries(x)) { break label }
  for (k in x) do { k-- } while (k)
  switch (k) { case 1: debugger; default: throw new Error("no") }
  try { with (x) y } catch { k ||= 0xFFn } finally { [k, text] = [text, k] }
  return { k, 'a b': 1, [text]: 2, get g() { return 3 }, h(q) { }, ...x };
};
// the end
const page = <div className="a" {...x}>text &amp; {x}<br/></div>;
export default square
