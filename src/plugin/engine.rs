//! The one engine: which WebAssembly is spoken, deterministic and metered, and how large the pool of instances is.

use std::hash::{Hash, Hasher};
use std::num::NonZeroUsize;

use sha2::{Digest as _, Sha256};
use wasmtime::{Config, Engine, InstanceAllocationStrategy, PoolingAllocationConfig};

use super::limits::{MAX_INSTANCES, MAX_MEMORY, MAX_TABLE_ELEMENTS, STACK_BYTES};

/// How many guests run at one moment; more wait their turn.
pub(super) const PERMITS: u32 = 16;
/// How many filter plugins may be in force: a render of a role may hold an instance of each, beside which a round, an activation
/// and a person's question must find their place.
pub(super) const MAX_FILTER_PLUGINS: usize = 12;
/// Linear memories of one component. A component needs one; composed ones a few.
const MEMORIES: u32 = 4;
/// Of a slot's linear memory, so much stays mapped between calls once it was used: what a decision over 10,000 peers by JSON touches.
const KEEP_RESIDENT_BYTES: usize = 12 << 20;
/// Slots that keep such memory: one for rounds, one for renders.
const WARM_SLOTS: u32 = 2;
/// The host's share of a call's stack: imports run on it too.
const HOST_STACK_BYTES: usize = 512 << 10;
/// Frames of a guest's backtrace that an error shows.
const BACKTRACE_FRAMES: usize = 16;
/// A call yields to the host after so much fuel, and the host looks at the clock: below 5 ms of work, and 2 % of its time.
pub(super) const YIELD_FUEL: u64 = 1_000_000;

/// An engine could not be made: this machine or this build is at fault.
#[derive(Debug, thiserror::Error)]
#[error("the WebAssembly engine cannot start: {0:#}; at least 200 GiB of address space (ulimit -v) and a 64-bit kernel are needed")]
pub struct EngineError(wasmtime::Error);

/// The engine that runs guests.
pub(super) fn run_engine() -> Result<Engine, EngineError> {
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(PERMITS)
        .total_core_instances(PERMITS * MAX_INSTANCES)
        .max_core_instances_per_component(MAX_INSTANCES)
        .total_memories(PERMITS * MEMORIES)
        .max_memories_per_component(MEMORIES)
        .max_memories_per_module(MEMORIES)
        .max_memory_size(MAX_MEMORY)
        .total_tables(PERMITS * MAX_INSTANCES)
        .max_tables_per_component(MAX_INSTANCES)
        .max_tables_per_module(MAX_INSTANCES)
        .table_elements(MAX_TABLE_ELEMENTS)
        .total_stacks(PERMITS)
        .linear_memory_keep_resident(KEEP_RESIDENT_BYTES)
        .table_keep_resident(64 << 10)
        .async_stack_keep_resident(64 << 10)
        .max_unused_warm_slots(WARM_SLOTS);
    let mut config = config();
    config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool));
    Engine::new(&config).map_err(EngineError)
}

/// Who compiles one plugin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Workers {
    /// The thread that asks.
    One,
    /// Those of rayon's pool, which stands.
    Many,
}

/// The engine that compiles: the same code comes out, but no pool is reserved.
pub(super) fn compile_engine(workers: Workers) -> Result<Engine, EngineError> {
    let mut config = config();
    config.parallel_compilation(workers == Workers::Many);
    Engine::new(&config).map_err(EngineError)
}

fn config() -> Config {
    let mut config = Config::new();
    config
        .consume_fuel(true)
        .max_wasm_stack(STACK_BYTES)
        .async_stack_size(STACK_BYTES + HOST_STACK_BYTES)
        // A guest must not read what another left on a stack, whatever bug the compiler has.
        .async_stack_zeroing(true)
        // Same input, same output on any machine.
        .cranelift_nan_canonicalization(true)
        .relaxed_simd_deterministic(true)
        // Guest numbers are 32 bits wide throughout; nothing a plugin needs asks for more.
        .wasm_memory64(false)
        .wasm_backtrace_max_frames(NonZeroUsize::new(BACKTRACE_FRAMES));
    config
}

/// Names everything that compiled code depends on: engine version, settings, processor.
pub(super) fn fingerprint(engine: &Engine) -> String {
    struct Sha(Sha256);
    impl Hasher for Sha {
        fn finish(&self) -> u64 {
            unreachable!("the digest is taken instead")
        }
        fn write(&mut self, bytes: &[u8]) {
            self.0.update(bytes);
        }
    }
    let mut sha = Sha(Sha256::new());
    engine.precompile_compatibility_hash().hash(&mut sha);
    sha.0.finalize().iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}
