#include <stdio.h>
#include "own.h"
#define MAX(a, b) \
  ((a) > (b) ? (a) : (b))
#ifdef DEBUG
#define LOG 1
#endif

/* A point. */
typedef struct point { int x : 3, y; union { float f; char c[4]; }; } point;
enum colour { RED = 1, GREEN };
static const char *names[] = {"a" "b", [1] = "c\n"};
extern int outside(void);

static int (*chosen(int x))(char) { return x ? NULL : &outside; }

int main(int argc, char **argv) {
  point p = {.x = 1}, *q = &p;
  for (int i = 0; i < argc; i++) {
    if (argv[i][0] == '-' && !strcmp(argv[i], "-x")) continue; // why
    else goto end;
  }
  while (q->x <<= 1) { do { q->y--; break; } while (0); }
  switch (p.y) { case 0x1F: return (int)sizeof(point); default: ; }
end:
  return printf("%d\n", MAX(p.x, p.y)) ? 1 : 0;
}
