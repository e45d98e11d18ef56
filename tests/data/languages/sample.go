// Package p is a sample.
package p

import (
	"fmt"
	m "math"
)

type Shape interface {
	Area() float64
	~int | string
}

type Box[T any] struct {
	*Base
	w, h float64 `json:"w"`
}

const (
	a = iota
	b
)

var z, w = 1i, 'x'

/* Area is
   the area. */
func (b *Box[T]) Area() float64 { return b.w * b.h }

func run(ch chan<- int, xs ...int) (n int, err error) {
	defer func() { recover() }()
	for i, x := range xs {
		if y := x &^ 1; y > 0 && i != 2 {
			n += y
			continue
		} else if x == 0 {
			goto done
		}
	}
	switch v := any(n).(type) {
	case int, string:
		fmt.Println(`raw
text`, v)
		fallthrough
	default:
		n++
	}
	select {
	case ch <- n:
	case <-make(chan bool):
		go run(ch, xs[1:]...)
	}
done:
	f := map[string][]int{"a": {1, 2}, "b": nil}
	return len(f), m.ErrorOf(true)
}
