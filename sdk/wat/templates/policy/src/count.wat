;; Instances of each role over all nodes of a schedule.

;; One record a role, ascending: its name and its instances (i64); and how many roles. 0 where there is no schedule.
(func $count_instances (param $schedule i64) (result i32 i32)
  (local $nodes i32) (local $roles i32) (local $records i32) (local $at i32) (local $placements i32)
  (local $key i64) (local $value i64)
  (local.set $schedule (call $get (local.get $schedule) (call $z (global.get $NODES))))
  (local.set $placements (call $count_placements (local.get $schedule)))
  (local.set $records (call $take (i32.shl (local.get $placements) (i32.const 4))))
  (local.set $at (local.get $records))
  (local.set $nodes (call $open (local.get $schedule)))
  (block $end
    (loop $more_nodes
      (br_if $end (i32.eqz (local.get $nodes)))
      (call $member (local.get $nodes))
      (local.set $nodes) (local.set $value) (drop)
      (local.set $roles (call $open (call $get (local.get $value) (call $z (global.get $NODE_ROLES)))))
      (block $end_of_node
        (loop $more_roles
          (br_if $end_of_node (i32.eqz (local.get $roles)))
          (call $member (local.get $roles))
          (local.set $roles) (local.set $value) (local.set $key)
          (i64.store (local.get $at) (call $text (local.get $key)))
          (i64.store offset=8 (local.get $at) (call $instances (local.get $value)))
          (local.set $at (i32.add (local.get $at) (i32.const 16)))
          (br $more_roles)))
      (br $more_nodes)))
  (call $sort (local.get $records) (local.get $placements) (i32.const 0))
  (local.get $records)
  (call $merge (local.get $records) (local.get $placements)))

(global $NODES i32 (i32.const 600))      (data (i32.const 600) "nodes\00")
(global $NODE_ROLES i32 (i32.const 608)) (data (i32.const 608) "roles\00")
(global $INSTANCES i32 (i32.const 616))  (data (i32.const 616) "instances\00")

(func $count_placements (param $nodes i64) (result i32)
  (local $walk i32) (local $node i64) (local $placements i32)
  (local.set $walk (call $open (local.get $nodes)))
  (block $end
    (loop $more
      (br_if $end (i32.eqz (local.get $walk)))
      (call $member (local.get $walk))
      (local.set $walk) (local.set $node) (drop)
      (local.set $placements
        (i32.add (local.get $placements)
          (call $count (call $get (local.get $node) (call $z (global.get $NODE_ROLES))))))
      (br $more)))
  (local.get $placements))

;; The instances of a placement in canonical form.
(func $instances (param $placement i64) (result i64)
  (local $number i64)
  (call $integer (call $get (local.get $placement) (call $z (global.get $INSTANCES))))
  (local.set $number) (drop)
  (local.get $number))

;; Makes one record of those of the same role, which lie side by side; gives how many are left.
(func $merge (param $records i32) (param $count i32) (result i32)
  (local $from i32) (local $to i32) (local $end i32)
  (if (i32.eqz (local.get $count)) (then (return (i32.const 0))))
  (local.set $from (local.get $records))
  (local.set $to (local.get $records))
  (local.set $end (i32.add (local.get $records) (i32.shl (local.get $count) (i32.const 4))))
  (block $merged
    (loop $more
      (local.set $from (i32.add (local.get $from) (i32.const 16)))
      (br_if $merged (i32.eq (local.get $from) (local.get $end)))
      (if (call $equal (i64.load (local.get $from)) (i64.load (local.get $to)))
        (then
          (i64.store offset=8 (local.get $to)
            (i64.add (i64.load offset=8 (local.get $to)) (i64.load offset=8 (local.get $from)))))
        (else
          (local.set $to (i32.add (local.get $to) (i32.const 16)))
          (memory.copy (local.get $to) (local.get $from) (i32.const 16))))
      (br $more)))
  (i32.add (i32.shr_u (i32.sub (local.get $to) (local.get $records)) (i32.const 4)) (i32.const 1)))

;; The instances of one role among such records; 0 where it is not among them. O(log roles).
(func $instances_of (param $records i32) (param $roles i32) (param $role i64) (result i64)
  (local $low i32) (local $middle i32) (local $at i32) (local $order i32)
  (block $not_there
    (loop $more
      (br_if $not_there (i32.ge_u (local.get $low) (local.get $roles)))
      (local.set $middle (i32.shr_u (i32.add (local.get $low) (local.get $roles)) (i32.const 1)))
      (local.set $at (i32.add (local.get $records) (i32.shl (local.get $middle) (i32.const 4))))
      (local.set $order (call $compare (i64.load (local.get $at)) (local.get $role)))
      (if (i32.eqz (local.get $order)) (then (return (i64.load offset=8 (local.get $at)))))
      (if (i32.lt_s (local.get $order) (i32.const 0))
        (then (local.set $low (i32.add (local.get $middle) (i32.const 1))))
        (else (local.set $roles (local.get $middle))))
      (br $more)))
  (i64.const 0))
