//! The loop that runs jobs. The server and the simulator run this very one.

use std::{collections::BTreeMap, convert::Infallible, future::Future, pin::pin, time::Duration};

use futures_util::{FutureExt as _, StreamExt as _, future::FusedFuture as _, select_biased, stream::FuturesUnordered};

use crate::{
    app::Hum,
    kernel::{
        batch::Finished,
        clock::Timestamp,
        error::Error,
        id::{JobId, OrgId},
        store::StoreError,
    },
};

use super::{Claimed, HEARTBEAT, JobKind, LEASE, SWEEP};

/// How many jobs one loop runs at once.
pub const CONCURRENCY: usize = 64;
/// How many of them may ask servers of others, which may be slow: they must not keep a text waiting.
const OTHERS_AT_MOST: usize = CONCURRENCY / 2;
/// Jobs that wait for customers' endpoints and for sources of facts.
const OTHERS: &[JobKind] = &[JobKind::Deliver, JobKind::FindInternet];
/// Everything else.
const OWN_WORK: &[JobKind] = &[JobKind::AiTurn, JobKind::SendSms, JobKind::ResolveSms, JobKind::FanOut];
/// How long a loop waits for its jobs when it is told to stop; what is not done by then is given back.
pub const GRACE: Duration = Duration::from_secs(10);
/// When due jobs cannot be claimed, because their twins run, nobody spins.
const BLOCKED: Duration = Duration::from_millis(50);
/// After the store failed.
const STORE_FAILED: Duration = Duration::from_secs(1);
/// A job that still fails after so many runs, for a reason that does not pass, is given up.
const MAX_RUNS: i64 = 25;
const PURGE: Duration = Duration::from_secs(3600);

/// Ends [`Hum::run_workers`] when it completes.
pub trait Shutdown: Future<Output = ()> + Send {}
impl<T: Future<Output = ()> + Send> Shutdown for T {}

impl Hum {
    /// Claims and runs jobs until `shutdown` completes, then stops claiming, finishes what runs or gives it back, within ten
    /// seconds. Several loops may run in one process and in many.
    pub async fn run_workers(&self, shutdown: impl Shutdown) {
        let mut shutdown = pin!(shutdown.fuse());
        let mut running = FuturesUnordered::new();
        let mut held = BTreeMap::new();
        let mut next_sweep = Duration::ZERO;
        let mut next_purge = Duration::ZERO;
        while !shutdown.is_terminated() {
            let now = self.clock.monotonic();
            if now >= next_sweep {
                next_sweep = now + SWEEP;
                beside(&mut running, &mut held, self.sweep()).await;
            }
            if now >= next_purge {
                next_purge = now + PURGE;
                let purge = self.store.system().purge_expired(self.clock.now());
                if let Err(error) = beside(&mut running, &mut held, purge).await {
                    tracing::warn!(%error, "could not purge expired replies");
                }
            }
            let free = CONCURRENCY - running.len();
            let others = held.values().filter(|(.., kind)| OTHERS.contains(kind)).count();
            let claim = self.claim(free, OTHERS_AT_MOST.saturating_sub(others));
            let wait = match beside(&mut running, &mut held, claim).await {
                Ok((claimed, wait)) => {
                    if claimed.is_empty() && wait <= BLOCKED {
                        // Something is due that cannot be claimed: perhaps its worker died.
                        next_sweep = next_sweep.min(now + wait);
                    }
                    for job in claimed {
                        held.insert(job.id, (job.org, job.fence, job.kind));
                        running.push(self.run_claimed(job));
                    }
                    wait
                }
                Err(error) => {
                    tracing::warn!(%error, "could not claim jobs");
                    STORE_FAILED
                }
            };
            let mut wake = pin!(self.live_bus.wait_for_jobs().fuse());
            let mut pause = pin!(self.clock.sleep(wait.min(self.settings.worker_poll)).fuse());
            select_biased! {
                () = shutdown => {}
                done = running.select_next_some() => { held.remove(&done); }
                () = wake => {}
                () = pause => {}
            }
        }
        let mut grace = pin!(self.clock.sleep(GRACE).fuse());
        while !running.is_empty() {
            select_biased! {
                done = running.select_next_some() => { held.remove(&done); }
                () = grace => break,
            }
        }
        drop(running);
        for (job, (org, fence, _)) in held {
            if let Err(error) = self.jobs.release(org, job, fence, self.clock.now()).await {
                tracing::warn!(%job, %error, "could not give a job back; its lease will run out");
            }
        }
    }

    /// Runs at most one due job to its end. For tests that step through the queue; answers whether there was one.
    ///
    /// # Errors
    /// The store failed.
    pub async fn run_one_job(&self) -> Result<bool, Error> {
        let now = self.clock.now();
        match self.jobs.claim(JobKind::ALL, now, now + LEASE, 1).await?.pop() {
            Some(job) => {
                self.run_claimed(job).await;
                Ok(true)
            }
            None => Ok(false),
        }
    }

    /// When the next job is due.
    ///
    /// # Errors
    /// The store failed.
    pub async fn next_job_at(&self) -> Result<Option<Timestamp>, Error> {
        Ok(self.jobs.next_due(JobKind::ALL).await?)
    }

    /// Claims up to `free` jobs, up to `others` of them for servers of others; answers also how long there is nothing to claim.
    async fn claim(&self, free: usize, others: usize) -> Result<(Vec<Claimed>, Duration), Error> {
        let mut claimed = self.claim_kinds(OWN_WORK, free).await?;
        let room = others.min(free - claimed.len());
        match self.claim_kinds(OTHERS, room).await {
            Ok(others) => claimed.extend(others),
            // What is claimed already must run.
            Err(error) if !claimed.is_empty() => tracing::warn!(%error, "could not claim jobs for servers of others"),
            Err(error) => return Err(error),
        }
        if claimed.len() == free {
            return Ok((claimed, self.settings.worker_poll));
        }
        // A lane that is full says so itself, when one of its jobs ends.
        let full = others == claimed.iter().filter(|job| OTHERS.contains(&job.kind)).count();
        let wait = match self.jobs.next_due(if full { OWN_WORK } else { JobKind::ALL }).await? {
            Some(at) => at.since(self.clock.now()).max(BLOCKED),
            None => self.settings.worker_poll,
        };
        Ok((claimed, wait))
    }

    async fn claim_kinds(&self, kinds: &[JobKind], limit: usize) -> Result<Vec<Claimed>, Error> {
        if limit == 0 {
            return Ok(Vec::new());
        }
        let now = self.clock.now();
        Ok(self.jobs.claim(kinds, now, now + LEASE, u32::try_from(limit).unwrap_or(u32::MAX)).await?)
    }

    async fn sweep(&self) {
        match self.jobs.sweep(self.clock.now()).await {
            Ok(0) => {}
            Ok(count) => tracing::warn!(count, "jobs whose worker died are queued again"),
            Err(error) => tracing::warn!(%error, "could not look for jobs whose worker died"),
        }
    }

    /// Runs a job and renews its claim. When the claim is lost the run goes on: its fence keeps it from changing anything
    /// but what it alone knows, the carrier's answer.
    async fn run_claimed(&self, job: Claimed) -> JobId {
        let mut work = pin!(self.run_job(&job).fuse());
        let mut renewals = pin!(self.renew_claim(&job).fuse());
        select_biased! {
            result = work => {
                if let Err(error) = result {
                    self.run_failed(&job, &error).await;
                }
            }
            never = renewals => match never {},
        }
        job.id
    }

    /// Until it is dropped.
    async fn renew_claim(&self, job: &Claimed) -> Infallible {
        loop {
            self.clock.sleep(HEARTBEAT).await;
            let held = self.jobs.heartbeat(job.org, job.id, job.fence, self.clock.now() + LEASE).await;
            if !matches!(held, Ok(true)) {
                tracing::warn!(job = %job.id, kind = job.kind.as_str(), ?held, "the claim of a running job was not renewed");
            }
        }
    }

    async fn run_job(&self, job: &Claimed) -> Result<(), Error> {
        match job.kind {
            JobKind::AiTurn => self.run_ai_turn(job).await,
            JobKind::SendSms => self.run_send(job).await,
            JobKind::ResolveSms => self.run_resolve(job).await,
            JobKind::FanOut => self.run_fan_out(job).await,
            JobKind::Deliver => self.run_deliver(job).await,
            JobKind::FindInternet => self.run_find(job).await,
        }
    }

    /// The run failed without an outcome of its own: the store failed, or it was changed too often. That passes, so the job is
    /// never given up for it, however often it ran: many jobs run again by plan.
    async fn run_failed(&self, job: &Claimed, error: &Error) {
        tracing::warn!(job = %job.id, kind = job.kind.as_str(), attempt = job.attempt, %error, "job failed");
        let passes = matches!(error, Error::Store(StoreError::Unavailable(_)) | Error::Conflict(_));
        let how = if !passes && job.attempt >= MAX_RUNS {
            Finished::Failed { error: error.to_string() }
        } else {
            let wait = Duration::from_secs(1 << job.attempt.clamp(0, 9));
            Finished::Again { at: self.clock.now() + wait, error: Some(error.to_string()) }
        };
        // When this fails too, the lease runs out and the sweep takes over.
        let _ = self.finish(job, how).await;
    }
}

/// Does `work` while the jobs go on. They must: one of them may have been given what `work` waits for, such as a connection
/// of a pool, and would hold it until somebody polls it.
async fn beside<T>(
    running: &mut FuturesUnordered<impl Future<Output = JobId>>,
    held: &mut BTreeMap<JobId, (OrgId, i64, JobKind)>,
    work: impl Future<Output = T>,
) -> T {
    let mut work = pin!(work.fuse());
    loop {
        select_biased! {
            result = work => return result,
            done = running.select_next_some() => { held.remove(&done); }
        }
    }
}
