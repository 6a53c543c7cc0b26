package main

import (
	"cmp"
	"math"
	"slices"
)

// ranking is an order of the peers, made once a decision.
type ranking struct {
	// all peers: the least busy first, those without a sample last, ties by position.
	all []int
	// open are those of them that may get another instance.
	open []int
}

func rank(cpu []float64, maxBusy float64) ranking {
	var r ranking
	for peer := range cpu {
		r.all = append(r.all, peer)
	}
	busy := func(peer int) float64 {
		if math.IsNaN(cpu[peer]) {
			return math.Inf(1)
		}
		return cpu[peer]
	}
	slices.SortFunc(r.all, func(a, b int) int {
		return cmp.Or(cmp.Compare(busy(a), busy(b)), cmp.Compare(a, b))
	})
	for _, peer := range r.all {
		if cpu[peer] <= maxBusy { // never true of NaN, no sample
			r.open = append(r.open, peer)
		}
	}
	return r
}

// decide changes as little as it can of what stands before, so that there are as many instances as wanted. It returns how many each
// peer has then, and how many found no place.
func (r ranking) decide(before []int, wanted int) (after []int, missing int) {
	after = slices.Clone(before)
	surplus := -wanted
	for _, instances := range after {
		surplus += instances
	}
	r.take(after, surplus)
	return after, r.give(after, -surplus)
}

// take removes so many instances, one at a time from the fullest peers, of these from the one ranked last.
func (r ranking) take(instances []int, surplus int) {
	for surplus > 0 {
		most := slices.Max(instances)
		// One walk serves all peers of this level: none of them is at it any more when its turn would come again.
		for _, peer := range slices.Backward(r.all) {
			if surplus > 0 && instances[peer] == most {
				instances[peer]--
				surplus--
			}
		}
	}
}

// give adds so many instances, one at a time to the emptiest open peers, of these to the one ranked first. It returns how many are
// left because no peer is open.
func (r ranking) give(instances []int, missing int) int {
	for missing > 0 && len(r.open) > 0 {
		fewest := math.MaxInt
		for _, peer := range r.open {
			fewest = min(fewest, instances[peer])
		}
		for _, peer := range r.open {
			if missing > 0 && instances[peer] == fewest {
				instances[peer]++
				missing--
			}
		}
	}
	return max(missing, 0)
}
