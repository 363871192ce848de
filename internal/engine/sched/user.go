package sched

import "cmp"

// A user is what fairness remembers about one key: a group, or a user of one. Turns
// go around among groups, and within a group among its users, so that a group gets
// no more for naming more users.
type user struct {
	id      uint64 // in the order of coming
	served  uint64 // rows computed; decode rows count decodeWeight
	active  int    // sequences not finished
	running int
	group   *user            // nil for a group
	members map[string]*user // of a group
}

// decodeWeight is how many prompt rows one decode row counts for: alone in a
// batch it reads all the weights that a whole prompt chunk shares.
const decodeWeight = 4

// maxIdleUsers bounds how many users without sequences are remembered.
const maxIdleUsers = 1024

func (u *user) runs(n int) {
	u.running += n
	u.group.running += n
}

func (u *user) serve(rows uint64) {
	u.served += rows
	u.group.served += rows
}

func (u *user) leave() {
	u.active--
	u.group.active--
}

// less orders groups by service, and equal ones in some fixed way, so that all of
// their sequences stay together in the order.
func less(a, b *user) int {
	if c := cmp.Compare(a.served, b.served); c != 0 {
		return c
	}
	return cmp.Compare(a.id, b.id)
}

// enter counts a sequence of a user and of its group.
func (s *Scheduler) enter(q *Seq) *user {
	g := s.come(s.groups, q.Group)
	if g.members == nil {
		g.members = map[string]*user{}
	}
	u := s.come(g.members, q.User)
	u.group = g
	return u
}

// come counts a sequence of one among its like. Who comes new, or comes back,
// starts no lower than the least served of those who are here: time away earns
// nothing.
func (s *Scheduler) come(all map[string]*user, name string) *user {
	u := all[name]
	if u == nil {
		if len(all) >= maxIdleUsers {
			forgetIdle(all)
		}
		s.ids++
		u = &user{id: s.ids}
		all[name] = u
	}
	if u.active == 0 {
		least, found := uint64(0), false
		for _, o := range all {
			if o.active > 0 && (!found || o.served < least) {
				least, found = o.served, true
			}
		}
		u.served = max(u.served, least)
	}
	u.active++
	return u
}

func forgetIdle(all map[string]*user) {
	for name, u := range all {
		if u.active == 0 {
			delete(all, name)
		}
	}
}
