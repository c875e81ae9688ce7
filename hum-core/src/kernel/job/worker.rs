//! The loop that runs jobs. The server and the simulator run this very one.

use std::{
    collections::{BTreeMap, BTreeSet},
    future::Future,
    pin::pin,
    sync::Arc,
    time::Duration,
};

use futures_util::{
    FutureExt as _, StreamExt as _,
    future::{BoxFuture, FusedFuture},
    select_biased,
    stream::FuturesUnordered,
};

use crate::kernel::{
    Kernel, batch::Finished, clock::Timestamp, error::Error, id::JobId, store::StoreError,
};

use super::{
    Claim, Claimed, HEARTBEAT, Job, JobKind, JobQueue, LEASE, Lane, Line, Look, NextDue, Room, Want,
};

/// How many jobs of a lane a process runs at once, if it is not told otherwise.
pub const JOBS_AT_ONCE: usize = 256;
/// How long the loop waits for its jobs when it is told to stop; what is not done by then is given
/// back.
pub const GRACE: Duration = Duration::from_secs(10);
/// How many lines of a kind are looked at together.
const LINES: u32 = 64;
/// How often more lines are looked for before anything else is done.
const LOOKS: u32 = 16;
/// What comes within this time is looked at together: each look costs statements, and a text brings
/// several.
const PACE: Duration = Duration::from_millis(2);
/// After the store failed.
const STORE_FAILED: Duration = Duration::from_secs(1);
const PURGE: Duration = Duration::from_secs(3600);

/// Ends [`Workers::run`] when it completes.
pub trait Shutdown: Future<Output = ()> + Send {}
impl<T: Future<Output = ()> + Send> Shutdown for T {}

/// Runs the jobs of all capabilities. Cheap to clone.
#[derive(Clone)]
pub struct Workers(Arc<Registry>);

struct Registry {
    kernel: Kernel,
    queue: Arc<dyn JobQueue>,
    jobs: BTreeMap<JobKind, Arc<dyn Job>>,
    at_once: usize,
    poll: Duration,
}

impl Workers {
    /// `at_once` jobs of a lane; `poll` is how long an idle loop waits before it looks again.
    pub(crate) fn new(
        kernel: Kernel,
        queue: Arc<dyn JobQueue>,
        jobs: Vec<Arc<dyn Job>>,
        at_once: usize,
        poll: Duration,
    ) -> Self {
        let jobs = jobs.into_iter().map(|job| (job.kind(), job)).collect();
        Self(Arc::new(Registry {
            kernel,
            queue,
            jobs,
            at_once,
            poll,
        }))
    }

    /// Every kind of job that this build runs.
    pub fn kinds(&self) -> impl Iterator<Item = JobKind> {
        self.0.jobs.keys().copied()
    }

    /// Claims and runs jobs until `shutdown` completes, then stops claiming, finishes what runs or
    /// gives it back, within ten seconds. One loop per process is enough; any number of processes
    /// may share a database.
    pub async fn run(&self, shutdown: impl Shutdown) {
        let mut shutdown = pin!(shutdown.fuse());
        let mut shift = Shift::new(&self.0);
        while !shutdown.is_terminated() {
            let wait = shift.take_on().await.unwrap_or_else(|error| {
                tracing::warn!(%error, "could not claim jobs");
                STORE_FAILED
            });
            shift.wait(wait, &mut shutdown).await;
        }
        shift.wind_down().await;
    }

    /// Runs at most one due job to its end. For tests that step through the queue; answers whether
    /// there was one.
    ///
    /// # Errors
    /// The store failed.
    pub async fn run_one(&self) -> Result<bool, Error> {
        let Registry { kernel, queue, .. } = &*self.0;
        let now = kernel.now();
        queue.promote(now).await?;
        let looks = Room::new(1).looks(self.0.lanes());
        let lines = queue.lines(&looks, 1).await?;
        let lane = |line: &Line| self.0.lane_of(line.kind);
        let Some(line) = lines.into_iter().min_by_key(lane) else {
            return Ok(false);
        };
        let want = Want { line, limit: 1 };
        match queue.claim(&[want], now + LEASE).await?.pop() {
            Some(job) => {
                self.0.run_claimed(job).await;
                Ok(true)
            }
            None => Ok(false),
        }
    }

    /// When the next job is due that [`Workers::run_one`] does not find yet.
    ///
    /// # Errors
    /// The store failed.
    pub async fn next_due(&self) -> Result<Option<Timestamp>, Error> {
        Ok(self.0.queue.next_due().await?.earliest())
    }
}

impl Registry {
    fn lanes(&self) -> impl Iterator<Item = (JobKind, Lane)> {
        self.jobs.iter().map(|(kind, job)| (*kind, job.lane()))
    }

    fn lane_of(&self, kind: JobKind) -> Lane {
        self.jobs.get(&kind).map_or(Lane::Own, |job| job.lane())
    }

    /// Runs a job. When its claim is lost meanwhile the run goes on: its fence keeps it from
    /// changing anything but what it alone knows, the carrier's answer.
    async fn run_claimed(&self, job: Claimed) -> JobId {
        if let Err(error) = self.run_job(&job).await {
            self.run_failed(&job, &error).await;
        }
        job.id
    }

    async fn run_job(&self, job: &Claimed) -> Result<(), Error> {
        let Some(kind) = self.jobs.get(&job.kind) else {
            return Err(Error::Conflict(format!(
                "no build that runs {} claimed this",
                job.kind.as_str()
            )));
        };
        let mut work = pin!(kind.run(job).fuse());
        let mut late = pin!(self.kernel.clock().sleep(kind.timeout()).fuse());
        select_biased! {
            result = work => result,
            () = late => Err(Error::Conflict(format!("broken off after {} s", kind.timeout().as_secs()))),
        }
    }

    /// The run failed without an outcome of its own: the store failed, or it was changed too often.
    /// That passes, so the job is never given up for it, however often it ran: many jobs run again
    /// by plan.
    async fn run_failed(&self, job: &Claimed, error: &Error) {
        tracing::warn!(job = %job.id, kind = job.kind.as_str(), attempt = job.attempt, %error, "job failed");
        let passes = matches!(
            error,
            Error::Store(StoreError::Unavailable(_) | StoreError::Overloaded(_))
                | Error::Conflict(_)
        );
        let (tries, wait) = self
            .jobs
            .get(&job.kind)
            .map_or((i64::MAX, STORE_FAILED), |kind| {
                (kind.tries(), kind.retry(job.attempt))
            });
        let how = if !passes && job.attempt >= tries {
            Finished::Failed {
                error: error.to_string(),
            }
        } else {
            Finished::Again {
                at: self.kernel.clock().now() + wait,
                error: Some(error.to_string()),
            }
        };
        // When this fails too, the lease runs out and the sweep takes over.
        let _ = self.kernel.claimed(job).finish(how).await;
    }
}

/// The loop at work: what runs, and the room for more.
struct Shift<'w> {
    registry: &'w Registry,
    running: FuturesUnordered<BoxFuture<'w, JobId>>,
    room: Room,
    next_look: Duration,
    next_renewal: Duration,
    next_purge: Duration,
}

impl<'w> Shift<'w> {
    fn new(registry: &'w Registry) -> Self {
        Self {
            registry,
            running: FuturesUnordered::new(),
            room: Room::new(registry.at_once),
            next_look: Duration::ZERO,
            next_renewal: registry.kernel.clock().monotonic() + HEARTBEAT,
            next_purge: Duration::ZERO,
        }
    }

    /// Claims whatever is due and has room; answers how long there is nothing more to do.
    async fn take_on(&mut self) -> Result<Duration, Error> {
        let Registry { kernel, queue, .. } = self.registry;
        let early = self.next_look.saturating_sub(kernel.clock().monotonic());
        if !early.is_zero() {
            self.beside(kernel.clock().sleep(early)).await;
        }
        self.next_look = kernel.clock().monotonic() + PACE;
        self.keep_up().await;
        let mut due = self.beside(queue.next_due()).await?;
        let now = kernel.now();
        if due.earliest().is_some_and(|at| at <= now) {
            self.let_in(due, now).await?;
            due = self.beside(queue.next_due()).await?;
        }
        for _ in 0..LOOKS {
            if !self.claim().await? {
                break;
            }
        }
        let until = |at: Timestamp| at.since(kernel.now());
        Ok(due.earliest().map_or(self.registry.poll, until))
    }

    /// What time has brought: jobs that are due by now, and claims that ran out.
    async fn let_in(&mut self, due: NextDue, now: Timestamp) -> Result<(), Error> {
        let queue = &self.registry.queue;
        if due.promote.is_some_and(|at| at <= now) {
            self.beside(queue.promote(now)).await?;
        }
        if due.sweep.is_some_and(|at| at <= now) {
            match self.beside(queue.sweep(now)).await? {
                0 => {}
                count => tracing::warn!(count, "jobs whose worker died are queued again"),
            }
        }
        Ok(())
    }

    /// One look at lines, and one claim. Whether there may be more of them to look at.
    async fn claim(&mut self) -> Result<bool, Error> {
        let Registry { kernel, queue, .. } = self.registry;
        let looks = self.room.looks(self.registry.lanes());
        if looks.is_empty() {
            return Ok(false);
        }
        let lines = self.beside(queue.lines(&looks, LINES)).await?;
        let mut wants = Vec::new();
        for lane in Lane::ALL {
            let of_lane = |line: &&Line| self.registry.lane_of(line.kind) == lane;
            let of_lane: Vec<Line> = lines.iter().filter(of_lane).cloned().collect();
            wants.extend(self.room.share(lane, &of_lane));
        }
        if !wants.is_empty() {
            let claim = queue.claim(&wants, kernel.now() + LEASE);
            for job in self.beside(claim).await? {
                self.room.take(self.registry.lane_of(job.kind), &job);
                let run = self.registry.run_claimed(job);
                self.running.push(run.boxed());
            }
        }
        let in_all = |look: &Look| lines.iter().filter(|line| line.kind == look.kind).count();
        Ok(looks.iter().any(|look| in_all(look) >= LINES as usize))
    }

    /// Renews the claims of what runs, and throws away what nobody will ask for.
    async fn keep_up(&mut self) {
        let Registry { kernel, queue, .. } = self.registry;
        let now = kernel.clock().monotonic();
        if now >= self.next_renewal {
            self.next_renewal = now + HEARTBEAT;
            let claims = self.room.claims();
            if !claims.is_empty() {
                let renewed = self
                    .beside(queue.renew(&claims, kernel.now() + LEASE))
                    .await;
                self.renewed(&claims, renewed);
            }
        }
        if now >= self.next_purge {
            self.next_purge = now + PURGE;
            let purge = kernel.upkeep().purge_expired(kernel.now());
            if let Err(error) = self.beside(purge).await {
                tracing::warn!(%error, "could not purge expired replies");
            }
        }
    }

    fn renewed(&mut self, claims: &[Claim], renewed: Result<Vec<Claim>, StoreError>) {
        match renewed {
            Ok(held) => {
                let held: BTreeSet<Claim> = held.into_iter().collect();
                let asked: BTreeSet<Claim> = claims.iter().copied().collect();
                let running = self.room.claims();
                let lost = |claim: &Claim| asked.contains(claim) && !held.contains(claim);
                for claim in running.into_iter().filter(lost) {
                    tracing::warn!(job = %claim.job, "the claim of a running job is lost");
                    self.room.lose(claim);
                }
            }
            Err(error) => {
                tracing::warn!(%error, "the claims of running jobs were not renewed");
            }
        }
    }

    /// Until something ends, or is due, or `wait` is over.
    async fn wait(&mut self, wait: Duration, mut shutdown: impl FusedFuture<Output = ()> + Unpin) {
        let clock = self.registry.kernel.clock();
        let until_renewal = self.next_renewal.saturating_sub(clock.monotonic());
        let wait = wait.min(self.registry.poll).min(until_renewal);
        let mut wake = pin!(self.registry.kernel.live_bus().wait_for_jobs().fuse());
        let mut pause = pin!(clock.sleep(wait).fuse());
        select_biased! {
            () = shutdown => {}
            done = self.running.select_next_some() => self.room.leave(done),
            () = wake => {}
            () = pause => {}
        }
        // Whatever ended at the same time makes room together.
        while let Some(Some(done)) = self.running.next().now_or_never() {
            self.room.leave(done);
        }
    }

    /// Does `work` while the jobs go on. They must: one of them may have been given what `work`
    /// waits for, such as a connection of a pool, and would hold it until somebody polls it.
    async fn beside<T>(&mut self, work: impl Future<Output = T>) -> T {
        let mut work = pin!(work.fuse());
        loop {
            select_biased! {
                result = work => return result,
                done = self.running.select_next_some() => self.room.leave(done),
            }
        }
    }

    /// Finishes what runs within [`GRACE`], and gives the rest back.
    async fn wind_down(mut self) {
        let Registry { kernel, queue, .. } = self.registry;
        let mut grace = pin!(kernel.clock().sleep(GRACE).fuse());
        while !self.running.is_empty() {
            select_biased! {
                done = self.running.select_next_some() => self.room.leave(done),
                () = grace => break,
            }
        }
        self.running.clear();
        for claim in self.room.claims() {
            if let Err(error) = queue.release(claim, kernel.now()).await {
                tracing::warn!(job = %claim.job, %error, "could not give a job back; its lease will run out");
            }
        }
    }
}
