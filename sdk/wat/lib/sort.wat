;; Sorting records of 16 bytes, and the members of a mapping as such records: 8 bytes the key's text, 8 bytes the value.

(type $less (func (param i32 i32) (result i32)))

;; All members in ascending order of bytes of their keys: where the records are, and how many.
(func $sorted (param $mapping i64) (result i32 i32)
  (local $walk i32) (local $records i32) (local $at i32) (local $key i64) (local $value i64) (local $count i32)
  (if (i32.eqz (call $is_mapping (local.get $mapping))) (then (return (i32.const 0) (i32.const 0))))
  (local.set $count (call $count (local.get $mapping)))
  (local.set $records (call $take (i32.shl (local.get $count) (i32.const 4))))
  (local.set $at (local.get $records))
  (local.set $walk (call $open (local.get $mapping)))
  (block $end
    (loop $more
      (br_if $end (i32.eqz (local.get $walk)))
      (call $member (local.get $walk))
      (local.set $walk) (local.set $value) (local.set $key)
      (i64.store (local.get $at) (call $text (local.get $key)))
      (i64.store offset=8 (local.get $at) (local.get $value))
      (local.set $at (i32.add (local.get $at) (i32.const 16)))
      (br $more)))
  (call $sort (local.get $records) (local.get $count) (i32.const 0))
  (local.get $records)
  (local.get $count))

;; The order of records whose first 8 bytes are a text: number 0 in $orders. A plugin with an order of its own adds it behind:
;; `(elem (i32.const 1) $mine)`.
(func $by_text (param $a i32) (param $b i32) (result i32)
  (i32.lt_s (call $compare (i64.load (local.get $a)) (i64.load (local.get $b))) (i32.const 0)))

(table $orders 2 funcref)
(elem (i32.const 0) $by_text)

;; Heap sort: O(n log n) whatever comes, in place. $less is a number in $orders and must tell any two records apart.
(func $sort (param $records i32) (param $count i32) (param $less i32)
  (local $i i32)
  (local.set $i (i32.shr_u (local.get $count) (i32.const 1)))
  (block $heaped
    (loop $more
      (br_if $heaped (i32.eqz (local.get $i)))
      (local.set $i (i32.sub (local.get $i) (i32.const 1)))
      (call $sift (local.get $records) (local.get $i) (local.get $count) (local.get $less))
      (br $more)))
  (block $end
    (loop $more
      (br_if $end (i32.le_u (local.get $count) (i32.const 1)))
      (local.set $count (i32.sub (local.get $count) (i32.const 1)))
      (call $swap (local.get $records) (i32.add (local.get $records) (i32.shl (local.get $count) (i32.const 4))))
      (call $sift (local.get $records) (i32.const 0) (local.get $count) (local.get $less))
      (br $more))))

;; Lets record $root sink until both below it are less.
(func $sift (param $records i32) (param $root i32) (param $count i32) (param $less i32)
  (local $child i32) (local $at i32) (local $below i32)
  (loop $more
    (local.set $child (i32.add (i32.shl (local.get $root) (i32.const 1)) (i32.const 1)))
    (if (i32.ge_u (local.get $child) (local.get $count)) (then (return)))
    (local.set $below (i32.add (local.get $records) (i32.shl (local.get $child) (i32.const 4))))
    (if (i32.lt_u (i32.add (local.get $child) (i32.const 1)) (local.get $count))
      (then
        (if (call_indirect $orders (type $less) (local.get $below) (i32.add (local.get $below) (i32.const 16)) (local.get $less))
          (then
            (local.set $child (i32.add (local.get $child) (i32.const 1)))
            (local.set $below (i32.add (local.get $below) (i32.const 16)))))))
    (local.set $at (i32.add (local.get $records) (i32.shl (local.get $root) (i32.const 4))))
    (if (i32.eqz (call_indirect $orders (type $less) (local.get $at) (local.get $below) (local.get $less))) (then (return)))
    (call $swap (local.get $at) (local.get $below))
    (local.set $root (local.get $child))
    (br $more)))

(func $swap (param $a i32) (param $b i32)
  (local $first i64) (local $second i64)
  (local.set $first (i64.load (local.get $a)))
  (local.set $second (i64.load offset=8 (local.get $a)))
  (memory.copy (local.get $a) (local.get $b) (i32.const 16))
  (i64.store (local.get $b) (local.get $first))
  (i64.store offset=8 (local.get $b) (local.get $second)))
