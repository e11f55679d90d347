// Package schedule says in which order things that come after each other are begun, several at
// once. It runs nothing itself, and knows nothing of what it orders.
package schedule

import "container/heap"

// Queue holds places 0 … n-1, each of which is given out once, after those it comes after have
// ended. It is not safe for concurrent use.
type Queue struct {
	waits []int32   // how many each still comes after; -1 once it was given out
	frees [][]int32 // those that come after each
	ready order
	left  int
}

// New queues the places that want marks. after gives those that have to end before a place: what
// is not wanted is not waited for. Of those that may begin, the first comes first, or the last
// if newest is set.
func New(n int, want func(int) bool, after func(int) []int, newest bool) *Queue {
	q := &Queue{waits: make([]int32, n), frees: make([][]int32, n), ready: order{newest: newest}}
	for i := range n {
		if !want(i) {
			continue
		}
		q.left++
		for _, j := range after(i) {
			if j != i && want(j) {
				q.waits[i]++
				q.frees[j] = append(q.frees[j], int32(i))
			}
		}
		if q.waits[i] == 0 {
			q.ready.places = append(q.ready.places, i)
		}
	}
	heap.Init(&q.ready)
	return q
}

// Next gives a place that may begin; false if there is none now.
func (q *Queue) Next() (int, bool) {
	if q.ready.Len() == 0 {
		return 0, false
	}
	i := heap.Pop(&q.ready).(int)
	q.waits[i] = -1
	q.left--
	return i, true
}

// Ended says that a place has ended, however it did: those that come after it may begin.
func (q *Queue) Ended(i int) {
	for _, j := range q.frees[i] {
		if q.waits[j]--; q.waits[j] == 0 {
			heap.Push(&q.ready, int(j))
		}
	}
	q.frees[i] = nil
}

// Left is how many were not given out.
func (q *Queue) Left() int { return q.left }

// order is a heap of places.
type order struct {
	places []int
	newest bool
}

func (o *order) Len() int           { return len(o.places) }
func (o *order) Less(i, j int) bool { return (o.places[i] < o.places[j]) != o.newest }
func (o *order) Swap(i, j int)      { o.places[i], o.places[j] = o.places[j], o.places[i] }
func (o *order) Push(x any)         { o.places = append(o.places, x.(int)) }

func (o *order) Pop() any {
	last := len(o.places) - 1
	x := o.places[last]
	o.places = o.places[:last]
	return x
}
