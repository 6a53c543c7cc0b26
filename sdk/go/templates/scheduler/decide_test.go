package main

import (
	"math"
	"slices"
	"testing"
)

func TestRank(t *testing.T) {
	ranking := rank([]float64{0.5, math.NaN(), 0.1, 0.5, 0.95}, 0.9)
	if want := []int{2, 0, 3, 4, 1}; !slices.Equal(ranking.all, want) {
		t.Errorf("all %v, want %v", ranking.all, want)
	}
	if want := []int{2, 0, 3}; !slices.Equal(ranking.open, want) {
		t.Errorf("open %v, want %v", ranking.open, want)
	}
}

func TestDecide(t *testing.T) {
	cpu := []float64{0.1, 0.2, 0.3}
	for _, c := range []struct {
		before  []int
		wanted  int
		after   []int
		missing int
	}{
		{[]int{0, 0, 0}, 4, []int{2, 1, 1}, 0},
		{[]int{0, 3, 0}, 3, []int{0, 3, 0}, 0}, // what stands stays, however uneven
		{[]int{0, 3, 0}, 5, []int{1, 3, 1}, 0},
		{[]int{2, 2, 2}, 3, []int{1, 1, 1}, 0},
		{[]int{1, 9, 4}, 4, []int{1, 2, 1}, 0},
		{[]int{1, 2, 0}, 0, []int{0, 0, 0}, 0},
	} {
		after, missing := rank(cpu, 0.9).decide(c.before, c.wanted)
		if !slices.Equal(after, c.after) || missing != c.missing {
			t.Errorf("%v, %d wanted: %v and %d missing, want %v and %d", c.before, c.wanted, after, missing, c.after, c.missing)
		}
	}
}

func TestDecideWithoutRoom(t *testing.T) {
	after, missing := rank([]float64{0.95, math.NaN()}, 0.9).decide([]int{1, 0}, 3)
	if !slices.Equal(after, []int{1, 0}) || missing != 2 {
		t.Errorf("%v and %d missing, want [1 0] and 2", after, missing)
	}
}
