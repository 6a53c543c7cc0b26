//! A node: built in one go, then run until it is asked to end. All tasks are spawned here.

use std::future::Future;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::{broadcast, mpsc, watch};
use tokio::task::JoinSet;
use tracing::Instrument;
use verwalter_core::names::Hostname;

use crate::agents::{self, AgentsError};
use crate::cluster::Leadership;
use crate::config::settings::Settings;
use crate::config::{ConfigTree, FileError};
use crate::counts::Counts;
use crate::deploy::{Deploy, OUTPUT_DIRECTORY, RECORDS_DIRECTORY};
use crate::exit::Exit;
use crate::http::{self, ListenError};
use crate::identity::{self, IdentityError};
use crate::journal;
use crate::journal::keep::Journal;
use crate::orders;
use crate::plugin::{Activator, Compiler, SandboxError, Waits};
use crate::reload::{self, Config, Inputs, Loader};
use crate::render::refuse_filter;
use crate::round::circumstances::Circumstances;
use crate::round::{self, REPORTS_KEPT, RoundReport, Rounds};
use crate::shutdown::{self, Drain};
use crate::status::View;
use crate::storage::{Storage, StorageError};
use crate::store::ScheduleStore;
use crate::watch as tree_watch;
use verwalter_collect::{self as collect, OwnNode, inquiry, procfs::Roots};

/// Time between the first two samples, so that the first schedule is made from real rates.
const FIRST_GAP: Duration = Duration::from_millis(250);
/// What rounds tell of builds, waiting for a reload to end: one for each plugin of a large site.
const NOTICES: usize = 64;

/// What the command line says of a node.
#[derive(Debug, Clone)]
pub struct Options {
    /// The configuration tree.
    pub config_dir: PathBuf,
    /// State that outlives a restart.
    pub storage_dir: PathBuf,
    /// Deployment logs; made at the start.
    pub log_dir: PathBuf,
    /// Instead of the settings' `listen`.
    pub listen: Option<SocketAddr>,
    /// Take a free port when the one of the settings is taken.
    pub any_port: bool,
    /// Listen on addresses that others reach.
    pub insecure: bool,
    /// Instead of the settings' `hostname`.
    pub hostname: Option<Hostname>,
    /// Instead of the settings' `name`.
    pub name: Option<String>,
    /// Which identity the node has.
    pub identity: Identity,
}

/// Where a node's id comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Identity {
    /// The system's machine-id.
    Machine,
    /// One that the operator gives: for several nodes on one machine.
    Given(verwalter_core::ids::NodeId),
    /// One made for this storage directory.
    Demo,
}

/// Why a node does not start. Nothing was changed but that directories were made.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The settings cannot be used.
    #[error("the configuration cannot be used:\n{}", .0.iter().map(|error| format!("  {error}")).collect::<Vec<_>>().join("\n"))]
    Config(Vec<FileError>),
    /// No identity.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// No storage.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// No log directory.
    #[error("the log directory {} cannot be made", .path.display())]
    Logs {
        /// Which.
        path: PathBuf,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// No sandbox.
    #[error(transparent)]
    Sandbox(#[from] SandboxError),
    /// No address.
    #[error(transparent)]
    Listen(#[from] ListenError),
    /// No agent.
    #[error(transparent)]
    Agents(#[from] AgentsError),
    /// No watching.
    #[error(transparent)]
    Watch(#[from] tree_watch::WatchError),
    /// Loading broke off.
    #[error("loading the configuration broke off: a defect, please report it")]
    Broken,
}

impl StartError {
    /// How the program ends for it.
    pub fn exit(&self) -> Exit {
        match self {
            StartError::Config(_) | StartError::Identity(_) | StartError::Watch(_) => Exit::Config,
            StartError::Agents(error) => error.exit(),
            StartError::Storage(_) | StartError::Logs { .. } => Exit::Storage,
            StartError::Sandbox(_) => Exit::Sandbox,
            StartError::Listen(_) => Exit::Listen,
            StartError::Broken => Exit::Failed,
        }
    }
}

type Task = Pin<Box<dyn Future<Output = ()> + Send>>;

/// A node that is ready to run.
pub struct App {
    view: View,
    drain: Drain,
    /// By the stage of the drain that ends them, in that order.
    stages: [Vec<(&'static str, Task)>; 3],
    reports: broadcast::Receiver<Arc<RoundReport>>,
    sources: Sources,
}

/// What the settling tasks follow. It outlives those that publish on it: a channel that closed would tell them nothing any more.
type Sources = (watch::Sender<Arc<Config>>, Arc<ScheduleStore>);

/// A node that runs.
pub struct Running {
    /// What it shows.
    pub view: View,
    /// What came of each round.
    pub reports: broadcast::Receiver<Arc<RoundReport>>,
    drain: Drain,
    stages: [JoinSet<&'static str>; 3],
    sources: Sources,
}

impl App {
    /// Opens everything and loads the configuration for the first time.
    pub async fn build(options: Options) -> Result<App, StartError> {
        if let Err(error) = shutdown::outlive_file_limits() {
            tracing::warn!(%error, "a write beyond a limit on file sizes will end this program");
        }
        let (tree, errors) = ConfigTree::load(&options.config_dir);
        if !tree.settings.is_sound() {
            return Err(StartError::Config(errors));
        }
        let settings = tree.settings.value;
        let storage = Arc::new(Storage::open(&options.storage_dir)?);
        std::fs::create_dir_all(&options.log_dir).map_err(|source| StartError::Logs { path: options.log_dir.clone(), source })?;
        let node = own_node(&options, &settings, &storage)?;
        let (store, unreadable) = ScheduleStore::open(&storage)?;
        if let Some(error) = unreadable {
            tracing::error!(error = %crate::telemetry::chain(&error), "starting without the stored schedule; its file is replaced by the next decision");
        }
        let store = Arc::new(store);
        let leadership = Arc::new(Leadership::alone(node.id, &storage, store.current().map(|stored| stored.term))?);
        let listener = listen(&options, &settings).await?;
        let addr = listener.local_addr().map_err(|source| ListenError::Bind { addr: settings.listen, source })?;
        let node = OwnNode { addr: Some(addr), ..node };

        let drain = Drain::default();
        let activator = Activator::open(&storage, Compiler::default(), settings.plugin_cache_size.bytes())?;
        let activator = activator.refusing(refuse_filter).waiting(Waits::default());
        let (passes, generations) = (activator.passes().clone(), activator.generations().cloned());
        let (meters, counts) = (activator.meters().clone(), Arc::<Counts>::default());
        let (kept, unkept) = Journal::open(&storage, settings.journal);
        // What the recorded round followed has been followed by what is in force since.
        let in_force = || store.current().map(|stored| stored.schedule.clone()).into_iter().collect();
        let recorded = journal::keep::newest(&storage).map(|known| Arc::new(Circumstances { parents: in_force(), ..known }));
        let input = watch::Sender::new(None);
        let inputs = Inputs { newest: input.subscribe(), recorded, in_force: store.subscribe(), collected: OnceLock::new() };
        let loader = Arc::new(Loader::new(tree.dir.clone(), activator, settings.clone(), inputs));
        let (history, inquiries) = inquiry::channel();
        let interval = settings.collect_interval;
        let lent = agents::Lent { node: &node, storage: &storage, history: &history, interval, insecure: options.insecure };
        let agents::Opened { sources, agent, keys } = agents::open(&settings.agents, lent).await?;
        let collecting = collect::Settings {
            sources: collect::Sources { inquiries: Some(inquiries), ..sources },
            node: node.clone(),
            interval,
            first_gap: FIRST_GAP,
            roots: Roots::default(),
        };
        let state = watch::Sender::new(None);
        let (collected, collector) = collect::start(collecting, loader.machine(), state.subscribe(), loader.rules(), drain.serving.clone());
        loader.follow(collected.clone());
        // Spawned before anything is compiled: its first two samples take their time too.
        let collector: Task = Box::pin(flatten(tokio::spawn(collector)));
        // Watching begins before reading, so that nothing changes unseen in between.
        let (changes, watcher) = tree_watch::start(&tree.dir, settings.reload_quiet_time, drain.deciding.clone())?;
        let first = tokio::task::spawn_blocking({
            let loader = loader.clone();
            move || loader.first()
        });
        let config = watch::Sender::new(Arc::new(first.await.map_err(|_| StartError::Broken)?));

        let (reports, listener_of_reports) = broadcast::channel(REPORTS_KEPT);
        let newest = watch::Sender::new(None);
        let held = watch::Sender::new(None);
        let shadows = watch::Sender::new(Arc::default());
        let busy = watch::Sender::new(None);
        let journal_failure = watch::Sender::new(unkept);
        let (plugin_orders, given) = orders::to_plugins();
        let (deploy_orders, ordered) = orders::to_deploy();
        let records_dir = storage.path().join(RECORDS_DIRECTORY);
        let (notices, noticed) = mpsc::channel(NOTICES);
        let (journal, rounds_held) = round::queue::queue();
        let deployed = watch::Sender::new(None);
        let store_failure = watch::Sender::new(None);
        let view = View {
            id: node.id,
            hostname: node.hostname.clone(),
            name: node.name.clone(),
            addr,
            leadership: leadership.clone(),
            config: config.subscribe(),
            reloading_since: busy.subscribe(),
            collected: collected.clone(),
            history,
            agent,
            key_failure: keys.as_ref().map(agents::KeyFile::trouble),
            in_force: store.subscribe(),
            round: newest.subscribe(),
            input: input.subscribe(),
            deployed: deployed.subscribe(),
            store_failure: store_failure.subscribe(),
            journal_failure: journal_failure.subscribe(),
            shadows: shadows.subscribe(),
            generations,
            records_dir: records_dir.clone(),
            orders: plugin_orders,
            deploy_orders,
            meters,
            counts: counts.clone(),
        };
        let shadowing = round::shadow::run(held.subscribe(), shadows, drain.deciding.clone());
        let rounds = Rounds {
            hostname: node.hostname.clone(),
            id: node.id,
            interval: settings.round_interval,
            leadership,
            config: config.subscribe(),
            collected: collected.clone(),
            store: store.clone(),
            reports,
            newest,
            input,
            counts: counts.clone(),
            passes: Arc::new(move |name| passes.take(name, std::time::Instant::now())),
            notices,
            journal,
            held,
        };
        let keeping = journal::keep::run(rounds_held, kept, journal_failure);
        let deploy = Deploy {
            hostname: node.hostname,
            output_dir: settings.output_dir.unwrap_or_else(|| options.storage_dir.join(OUTPUT_DIRECTORY)),
            records_dir,
            log_dir: options.log_dir,
            config: config.subscribe(),
            collected,
            in_force: store.subscribe(),
            orders: ordered,
            elsewhere: Arc::new(tokio::sync::Semaphore::new(1)),
            report: deployed,
            state,
            deploying: settings.deploy,
            counts,
        };
        let server = http::serve(listener, view.clone(), settings.http, drain.serving.clone());
        let mut serving = vec![("collect", collector), ("http", Box::pin(server) as Task)];
        if let Some(keys) = keys {
            serving.push(("keys", Box::pin(keys.follow(drain.serving.clone()))));
        }
        let stages = [
            vec![
                ("round", Box::pin(rounds.run(drain.deciding.clone())) as Task),
                ("watch", Box::pin(watcher)),
                ("reload", Box::pin(reload::run(loader, changes, given, noticed, config.clone(), busy, drain.deciding.clone()))),
                ("shadow", Box::pin(shadowing)),
            ],
            vec![
                ("store", Box::pin(store.clone().persist(store_failure, drain.settling.clone())) as Task),
                ("deploy", Box::pin(deploy.run(drain.settling.clone()))),
                // It ends by itself once no round can be held any more.
                ("journal", Box::pin(keeping)),
            ],
            serving,
        ];
        Ok(App { view, drain, stages, reports: listener_of_reports, sources: (config, store) })
    }

    /// Starts all tasks.
    pub fn spawn(self) -> Running {
        let stages = self.stages.map(|tasks| {
            let mut set = JoinSet::new();
            for (name, task) in tasks {
                set.spawn(
                    async move {
                        task.await;
                        name
                    }
                    .instrument(tracing::info_span!("task", name)),
                );
            }
            set
        });
        Running { view: self.view, reports: self.reports, drain: self.drain, stages, sources: self.sources }
    }
}

impl Running {
    /// Resolves when a task ended by itself, which none should.
    pub async fn broken(&mut self) {
        let [deciding, settling, serving] = &mut self.stages;
        let ended = tokio::select! {
            Some(ended) = deciding.join_next() => ended,
            Some(ended) = settling.join_next() => ended,
            Some(ended) = serving.join_next() => ended,
        };
        match ended {
            Ok(name) => tracing::error!(task = name, "a task ended by itself: a defect, please report it"),
            Err(error) => tracing::error!(%error, "a task broke off: a defect, please report it with the log"),
        }
    }

    /// Ends everything in order; what is in force is stored and deployed first.
    pub async fn drain(self) {
        let [mut deciding, mut settling, mut serving] = self.stages;
        self.drain.deciding.cancel();
        finish(&mut deciding).await;
        self.drain.settling.cancel();
        finish(&mut settling).await;
        drop(self.sources);
        self.drain.serving.cancel();
        finish(&mut serving).await;
    }
}

/// Waits for a stage; says what it waits for when that takes long.
async fn finish(tasks: &mut JoinSet<&'static str>) {
    const PATIENCE: Duration = Duration::from_secs(15);
    loop {
        match tokio::time::timeout(PATIENCE, tasks.join_next()).await {
            Ok(Some(_)) => {}
            Ok(None) => return,
            Err(_) => tracing::warn!(tasks = tasks.len(), "still ending; a second signal ends at once"),
        }
    }
}

async fn flatten(task: tokio::task::JoinHandle<()>) {
    if let Err(error) = task.await {
        std::panic::resume_unwind(error.into_panic());
    }
}

fn own_node(options: &Options, settings: &Settings, storage: &Storage) -> Result<OwnNode, StartError> {
    let id = match options.identity {
        Identity::Machine => identity::machine_id()?,
        Identity::Given(id) => id,
        Identity::Demo => identity::demo_id(storage)?,
    };
    let hostname = match options.hostname.clone().or_else(|| settings.hostname.clone()) {
        Some(hostname) => hostname,
        None => identity::hostname()?,
    };
    let name = options.name.clone().or_else(|| settings.name.clone()).unwrap_or_else(|| hostname.to_string());
    Ok(OwnNode { id, hostname, name, addr: None })
}

async fn listen(options: &Options, settings: &Settings) -> Result<TcpListener, ListenError> {
    let wanted = options.listen.unwrap_or(settings.listen);
    match http::bind(wanted, options.insecure).await {
        Err(ListenError::Bind { source, .. }) if options.any_port && source.kind() == std::io::ErrorKind::AddrInUse => {
            http::bind(SocketAddr::new(wanted.ip(), 0), options.insecure).await
        }
        result => result,
    }
}
