package a.b;

import java.util.*;

/** A point. */
@Deprecated
public class Point<T extends Number> extends Base implements Comparable<Point<T>> {
  private static final int LIMIT = 0x1F; // why
  int[] xs = {1, 2}, ys[];

  static { System.out.println("start"); }

  public Point(int x) throws Exception { super(x); this.x = x; }

  @Override public int compareTo(Point<T> o) {
    for (int i = 0, j = 1; i < xs.length && j != 2; i++, --j) { if (xs[i] >>> 1 == 'c') continue; }
    outer:
    for (final var x : xs) { do { x += 1L; break outer; } while (!(x instanceof Object)); }
    switch (o.x) { case 1: case 2: return -1; default: throw new Error(); }
  }

  <U> String text(List<? super U>... many) {
    String s = """
        a "block" of
          text\n""";
    Function<Integer, Integer> f = (a) -> a > 0 ? a : -a;
    Runnable r = Point::new;
    synchronized (this) { assert s != null : "no"; }
    try (Reader in = open(s)) { in.read(); } catch (A | B e) { } finally { s = null; }
    return switch (s) { case "a", "b" -> { yield s; } default -> s + 1.5e3f; };
  }

  enum Kind { ONE, TWO { int value() { return 2; } }; int value() { return 1; } }
  interface Shape { double area(); default void draw() {} }
  record Pair(int a, int b) { Pair { if (a > b) throw null; } }
}
