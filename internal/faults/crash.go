package faults

import (
	"maps"
	"math/rand/v2"
	"slices"
)

// Unsynced says what a crash leaves of what was written and not synced. No file system
// promises any of it: all of it may be there, in any part.
type Unsynced int

// What is left.
const (
	// Lost is nothing.
	Lost Unsynced = iota
	// Half is some names and not others, and of files all, nothing or a part, as Mem.Seed
	// has it.
	Half
	// Kept is all.
	Kept
)

// Crash gives the file system as it is after power is lost now and comes back: with what
// is durable, as much of the rest as is asked for, and nothing locked. m goes on as it is.
func (m *Mem) Crash(left Unsynced) *Mem {
	c := crash{left, rand.New(rand.NewPCG(m.Seed, uint64(m.ops))), map[*inode]*inode{}}
	return &Mem{root: c.inode(m.root), locked: map[*inode][]byte{}, Seed: m.Seed}
}

type crash struct {
	left   Unsynced
	random *rand.Rand
	done   map[*inode]*inode
}

func (c *crash) inode(n *inode) *inode {
	if was := c.done[n]; was != nil {
		return was
	}
	if !n.dir {
		data := n.data[:c.size(n)]
		data = data[:len(data):len(data)] // files only grow, so this is shared until then
		c.done[n] = &inode{data: data, synced: data}
		return c.done[n]
	}
	now := newDir()
	c.done[n] = now
	all := maps.Clone(n.durable)
	maps.Copy(all, n.names)
	for _, name := range slices.Sorted(maps.Keys(all)) {
		child := n.durable[name]
		if child != n.names[name] && c.keeps() {
			child = n.names[name]
		}
		if child != nil {
			now.names[name] = c.inode(child)
			now.durable[name] = now.names[name]
		}
	}
	return now
}

// keeps decides of one name.
func (c *crash) keeps() bool {
	return c.left == Kept || c.left == Half && c.random.IntN(2) == 0
}

// size is how much of a file is left.
func (c *crash) size(n *inode) int {
	synced, all := len(n.synced), len(n.data)
	if synced == all || c.left == Lost {
		return synced
	}
	if c.left == Half && c.random.IntN(2) == 0 {
		return synced + c.random.IntN(all-synced)
	}
	if c.keeps() {
		return all
	}
	return synced
}
