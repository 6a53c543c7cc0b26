;; The decision: which peers get, keep and lose instances of a role.

(global $peers (mut i32) (i32.const 0))   ;; how many
(global $ranking (mut i32) (i32.const 0)) ;; one record a peer, the least busy first: busy share, position
(global $open (mut i32) (i32.const 0))    ;; so many of them, the first ones, may get another instance
(global $plans (mut i32) (i32.const 0))   ;; for each role and peer, by role: instances before, instances now (4 bytes each)

;; Ranks the peers: those without a sample (NaN) last, then by busy share, then by position.
(func $rank (param $busy i32) (param $peers i32)
  (local $i i32) (local $at i32)
  (global.set $peers (local.get $peers))
  (global.set $open (i32.const 0))
  (global.set $ranking (call $take (i32.shl (local.get $peers) (i32.const 4))))
  (global.set $plans (call $take (i32.mul (global.get $roles) (i32.shl (local.get $peers) (i32.const 3)))))
  (block $filled
    (loop $more
      (br_if $filled (i32.eq (local.get $i) (local.get $peers)))
      (local.set $at (call $ranked (local.get $i)))
      (f64.store (local.get $at) (f64.load (i32.add (local.get $busy) (i32.shl (local.get $i) (i32.const 3)))))
      (i32.store offset=8 (local.get $at) (local.get $i))
      ;; NaN is not below anything.
      (global.set $open (i32.add (global.get $open) (f64.le (f64.load (local.get $at)) (global.get $max_busy))))
      (local.set $i (i32.add (local.get $i) (i32.const 1)))
      (br $more)))
  (call $sort (global.get $ranking) (local.get $peers) (i32.const 1)))

(func $ranked (param $rank i32) (result i32)
  (i32.add (global.get $ranking) (i32.shl (local.get $rank) (i32.const 4))))

(func $by_rank (param $a i32) (param $b i32) (result i32)
  (local $left f64) (local $right f64) (local $unknown i32)
  (local.set $left (f64.load (local.get $a)))
  (local.set $right (f64.load (local.get $b)))
  ;; NaN differs from itself.
  (local.set $unknown (f64.ne (local.get $left) (local.get $left)))
  (if (i32.ne (local.get $unknown) (f64.ne (local.get $right) (local.get $right)))
    (then (return (i32.eqz (local.get $unknown)))))
  (if (f64.lt (local.get $left) (local.get $right)) (then (return (i32.const 1))))
  (if (f64.gt (local.get $left) (local.get $right)) (then (return (i32.const 0))))
  (i32.lt_u (i32.load offset=8 (local.get $a)) (i32.load offset=8 (local.get $b))))

(elem (i32.const 1) $by_rank)

;; Where the instances of a role on a peer stand: before, and 4 bytes further now.
(func $plan (param $role i32) (param $peer i32) (result i32)
  (i32.add (global.get $plans)
    (i32.shl (i32.add (i32.mul (local.get $role) (global.get $peers)) (local.get $peer)) (i32.const 3))))

;; Decides one role, and logs what came of it.
(func $decide (param $role i32)
  (local $instances i64) (local $missing i64) (local $line i32)
  (call $integer (call $get (call $value (local.get $role)) (call $z (global.get $INSTANCES))))
  (local.set $instances) (drop)
  (local.set $missing (i64.sub (local.get $instances) (call $keep (local.get $role))))
  (if (i64.lt_s (local.get $missing) (i64.const 0))
    (then
      (call $take_away (local.get $role) (i64.sub (i64.const 0) (local.get $missing)))
      (local.set $missing (i64.const 0)))
    (else
      (if (global.get $open)
        (then
          (call $add (local.get $role) (local.get $missing))
          (local.set $missing (i64.const 0))))))
  (local.set $line (global.get $next))
  (call $put (call $name (local.get $role)))
  (call $say (global.get $COLON))
  (call $put_integer (i64.sub (local.get $instances) (local.get $missing)))
  (call $say (global.get $PLACED))
  (if (i64.ne (local.get $missing) (i64.const 0))
    (then
      (call $say (global.get $COMMA))
      (call $put_integer (local.get $missing))
      (call $say (global.get $MISSING))))
  (call $log (select (i32.const 3) (i32.const 2) (i64.ne (local.get $missing) (i64.const 0))) (local.get $line)))

(global $COLON i32 (i32.const 840)) (data (i32.const 840) ": \00")
(global $PLACED i32 (i32.const 848)) (data (i32.const 848) " placed\00")
(global $COMMA i32 (i32.const 856)) (data (i32.const 856) ", \00")
(global $MISSING i32 (i32.const 864)) (data (i32.const 864) " missing\00")

;; Each peer keeps what `placed.ROLE` gives it; gives the sum.
(func $keep (param $role i32) (result i64)
  (local $mark i32) (local $placed i32) (local $peer i32) (local $at i32) (local $instances i32) (local $sum i64)
  (local.set $mark (global.get $next))
  (call $say (global.get $PLACED_DOT))
  (call $put (call $name (local.get $role)))
  (call $column (call $slice (local.get $mark) (i32.sub (global.get $next) (local.get $mark))))
  (drop) (local.set $placed)
  (block $end
    (loop $more
      (br_if $end (i32.eq (local.get $peer) (global.get $peers)))
      (local.set $instances
        (if (result i32) (local.get $placed)
          (then (i32.trunc_sat_f64_u (f64.load (i32.add (local.get $placed) (i32.shl (local.get $peer) (i32.const 3))))))
          (else (i32.const 0))))
      (local.set $at (call $plan (local.get $role) (local.get $peer)))
      (i32.store (local.get $at) (local.get $instances))
      (i32.store offset=4 (local.get $at) (local.get $instances))
      (local.set $sum (i64.add (local.get $sum) (i64.extend_i32_u (local.get $instances))))
      (local.set $peer (i32.add (local.get $peer) (i32.const 1)))
      (br $more)))
  (global.set $next (local.get $mark))
  (local.get $sum))

(global $PLACED_DOT i32 (i32.const 880)) (data (i32.const 880) "placed.\00")

;; Where the number of instances stands that the peer of this rank has now.
(func $now (param $role i32) (param $rank i32) (result i32)
  (i32.add (call $plan (local.get $role) (i32.load offset=8 (call $ranked (local.get $rank)))) (i32.const 4)))

;; Of the peers with the most instances, the one ranked last loses one, $surplus times. One pass serves all peers of a level.
(func $take_away (param $role i32) (param $surplus i64)
  (local $level i32) (local $rank i32) (local $here i32)
  (local.set $rank (global.get $peers))
  (loop $more
    (local.set $rank (i32.sub (local.get $rank) (i32.const 1)))
    (local.set $here (i32.load (call $now (local.get $role) (local.get $rank))))
    (if (i32.gt_u (local.get $here) (local.get $level)) (then (local.set $level (local.get $here))))
    (br_if $more (local.get $rank)))
  (loop $levels
    (local.set $rank (global.get $peers))
    (loop $more
      (local.set $rank (i32.sub (local.get $rank) (i32.const 1)))
      (local.set $here (call $now (local.get $role) (local.get $rank)))
      (if (i32.eq (i32.load (local.get $here)) (local.get $level))
        (then
          (i32.store (local.get $here) (i32.sub (local.get $level) (i32.const 1)))
          (local.set $surplus (i64.sub (local.get $surplus) (i64.const 1)))
          (if (i64.eqz (local.get $surplus)) (then (return)))))
      (br_if $more (local.get $rank)))
    (local.set $level (i32.sub (local.get $level) (i32.const 1)))
    (br $levels)))

;; Of the open peers with the fewest instances, the one ranked first gets one, $missing times.
(func $add (param $role i32) (param $missing i64)
  (local $level i32) (local $rank i32) (local $here i32)
  (if (i64.eqz (local.get $missing)) (then (return)))
  (local.set $level (i32.const -1))
  (loop $more
    (local.set $here (i32.load (call $now (local.get $role) (local.get $rank))))
    (if (i32.lt_u (local.get $here) (local.get $level)) (then (local.set $level (local.get $here))))
    (local.set $rank (i32.add (local.get $rank) (i32.const 1)))
    (br_if $more (i32.ne (local.get $rank) (global.get $open))))
  (loop $levels
    (local.set $rank (i32.const 0))
    (loop $more
      (local.set $here (call $now (local.get $role) (local.get $rank)))
      (if (i32.eq (i32.load (local.get $here)) (local.get $level))
        (then
          (i32.store (local.get $here) (i32.add (local.get $level) (i32.const 1)))
          (local.set $missing (i64.sub (local.get $missing) (i64.const 1)))
          (if (i64.eqz (local.get $missing)) (then (return)))))
      (local.set $rank (i32.add (local.get $rank) (i32.const 1)))
      (br_if $more (i32.ne (local.get $rank) (global.get $open))))
    (local.set $level (i32.add (local.get $level) (i32.const 1)))
    (br $levels)))
