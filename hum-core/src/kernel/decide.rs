//! Load, decide, commit, and again when the state moved meanwhile: the one loop that every use case
//! goes through.
//!
//! A use case is what it reads and a plain function of it. `Kernel::of` runs it for somebody,
//! `Kernel::claimed` in a job; what all of them share is here: the bound, the answer to a repeated
//! request, the audit row, the guard of a claim, the end of a job.

use super::{
    Kernel,
    actor::Actor,
    audit::AuditRow,
    batch::{Batch, Committed, Finished},
    clock::Timestamp,
    entropy::Entropy,
    error::Error,
    id::OrgId,
    idempotency::{Answer, Remember},
    job::{Claimed, NewJob},
    store::{CommitError, Conflict},
};

/// How often a decision is made again when the state moved under it. Enough for a hot conversation;
/// a livelock shows as `Conflict` instead of a hang.
const TRIES: u32 = 32;

/// When a decision is made, and the chance that it may draw.
#[derive(Clone, Copy)]
pub struct Moment<'a> {
    /// The wall clock, read after the state.
    pub now: Timestamp,
    /// Chance.
    pub entropy: &'a dyn Entropy,
}

/// What was decided: what is to be written, and what is answered when it is.
#[must_use]
pub struct Decision<T> {
    /// All of it is written, or nothing. When it is empty, nothing needs to be.
    pub batch: Batch,
    /// What whoever asked gets.
    pub answer: T,
    audit: Option<(&'static str, String)>,
    stamp: Option<Stamp<T>>,
}

/// Gives the answer the version that a record in it was stored with.
type Stamp<T> = (usize, fn(&mut T, i64));

impl<T> Decision<T> {
    /// Write `batch`, then answer.
    pub fn new(batch: Batch, answer: T) -> Self {
        Self {
            batch,
            answer,
            audit: None,
            stamp: None,
        }
    }

    /// The change leaves a row that says who did `action` to `subject`.
    pub fn audited(self, action: &'static str, subject: impl ToString) -> Self {
        Self {
            audit: Some((action, subject.to_string())),
            ..self
        }
    }

    /// `set` gets the version that the record at `place` in the batch is stored with.
    pub fn stamped(self, place: usize, set: fn(&mut T, i64)) -> Self {
        Self {
            stamp: Some((place, set)),
            ..self
        }
    }
}

fn stamped<T>(mut answer: T, stamp: Option<Stamp<T>>, committed: &Committed) -> T {
    if let Some((place, set)) = stamp
        && let Some(version) = committed.versions.get(place)
    {
        set(&mut answer, *version);
    }
    answer
}

/// How many tries are left.
struct Tries(u32);

impl Tries {
    /// `Ok` when the decision may be made again.
    fn again(&mut self, error: CommitError) -> Result<(), Error> {
        match error {
            CommitError::Conflict(Conflict::StaleFence) => {
                Err(Error::Conflict("another worker took this job over".into()))
            }
            CommitError::Conflict(conflict) if self.0 == 0 => Err(Error::Conflict(format!(
                "changed at the same moment ({conflict}); try again"
            ))),
            CommitError::Conflict(_) => {
                self.0 -= 1;
                Ok(())
            }
            CommitError::Store(error) => Err(error.into()),
        }
    }
}

/// A use case of somebody.
pub struct UseCase<'k> {
    kernel: &'k Kernel,
    org: OrgId,
    actor: Actor,
    taken: Option<&'k str>,
}

/// The same for a request that may be repeated: it has its effect once.
pub struct Once<'k, T> {
    case: UseCase<'k>,
    remember: Remember<T>,
}

impl Kernel {
    /// A use case in an organization, by `actor`.
    pub fn of(&self, org: OrgId, actor: Actor) -> UseCase<'_> {
        UseCase {
            kernel: self,
            org,
            actor,
            taken: None,
        }
    }

    /// What the run of a job decides.
    pub fn claimed<'k>(&'k self, job: &'k Claimed) -> Run<'k> {
        Run {
            kernel: self,
            job,
            even_if_lost: false,
        }
    }

    fn moment(&self) -> Moment<'_> {
        Moment {
            now: self.now(),
            entropy: self.entropy(),
        }
    }
}

impl<'k> UseCase<'k> {
    /// What is said when a new record's key or unique column is taken. Without it the decision is
    /// made again.
    pub fn taken(self, sentence: &'k str) -> Self {
        Self {
            taken: Some(sentence),
            ..self
        }
    }

    /// Has the effect of a request once, and answers its repetitions with the first answer.
    pub fn once<T>(self, remember: Remember<T>) -> Once<'k, T> {
        Once {
            case: self,
            remember,
        }
    }

    /// Loads, decides and commits, until nothing moved in between.
    ///
    /// # Errors
    /// What `load` and `decide` say; `Conflict` when the state moved too often; `Store`, and then
    /// whether it was written is unknown.
    pub async fn decide<S, T, F>(
        self,
        load: impl Fn() -> F,
        decide: impl Fn(S, Moment<'_>) -> Result<Decision<T>, Error>,
    ) -> Result<T, Error>
    where
        F: Future<Output = Result<S, Error>>,
    {
        let first = load().await?;
        self.decide_from(first, load, decide).await
    }

    /// The same, when the state was loaded already, to find out whose it is.
    ///
    /// # Errors
    /// See [`UseCase::decide`].
    pub async fn decide_from<S, T, F>(
        self,
        first: S,
        load: impl Fn() -> F,
        decide: impl Fn(S, Moment<'_>) -> Result<Decision<T>, Error>,
    ) -> Result<T, Error>
    where
        F: Future<Output = Result<S, Error>>,
    {
        match self
            .once(Remember::nothing())
            .try_from(Some(first), load, decide)
            .await?
        {
            Answer::Fresh(answer) => Ok(answer),
            Answer::Replayed { .. } => Err(Error::Conflict(
                "an answer that nobody remembered came back".into(),
            )),
        }
    }
}

impl<T> Once<'_, T> {
    /// See [`UseCase::decide`].
    ///
    /// # Errors
    /// Also `IdempotencyMismatch`, when the key belongs to another request.
    pub async fn decide<S, F>(
        self,
        load: impl Fn() -> F,
        decide: impl Fn(S, Moment<'_>) -> Result<Decision<T>, Error>,
    ) -> Result<Answer<T>, Error>
    where
        F: Future<Output = Result<S, Error>>,
    {
        self.try_from(None, load, decide).await
    }

    async fn try_from<S, F>(
        self,
        mut first: Option<S>,
        load: impl Fn() -> F,
        decide: impl Fn(S, Moment<'_>) -> Result<Decision<T>, Error>,
    ) -> Result<Answer<T>, Error>
    where
        F: Future<Output = Result<S, Error>>,
    {
        let Self { case, remember } = self;
        let mut tries = Tries(TRIES);
        let mut refused = None;
        loop {
            if let Some(replayed) = case.replayed(&remember).await? {
                return Ok(replayed);
            }
            if let Some(sentence) = refused {
                return Err(Error::Conflict(sentence));
            }
            let state = match first.take() {
                Some(state) => state,
                None => load().await?,
            };
            let moment = case.kernel.moment();
            let decision = decide(state, moment)?;
            match case.settle(decision, &remember, moment).await {
                Ok(answer) => return Ok(Answer::Fresh(answer)),
                // Perhaps by the same request, which was answered meanwhile.
                Err(CommitError::Conflict(Conflict::Exists)) if case.taken.is_some() => {
                    refused = case.taken.map(str::to_owned);
                }
                Err(error) => tries.again(error)?,
            }
        }
    }
}

impl UseCase<'_> {
    async fn replayed<T>(&self, remember: &Remember<T>) -> Result<Option<Answer<T>>, Error> {
        if remember.is_nothing() {
            return Ok(None);
        }
        let reads = self.kernel.store().records(self.org);
        remember
            .replay(&*reads, self.kernel.cipher(), self.kernel.now())
            .await
    }

    async fn settle<T>(
        &self,
        decision: Decision<T>,
        remember: &Remember<T>,
        moment: Moment<'_>,
    ) -> Result<T, CommitError> {
        let Decision {
            mut batch,
            answer,
            audit,
            stamp,
        } = decision;
        if let Some((action, subject)) = audit {
            batch.insert(&AuditRow::new(
                self.org, self.actor, action, subject, moment,
            ));
        }
        remember.record(&mut batch, &answer, self.kernel.cipher(), moment.now);
        if batch.writes.is_empty() {
            return Ok(answer);
        }
        let committed = self.kernel.commit(batch).await?;
        Ok(stamped(answer, stamp, &committed))
    }
}

/// What the run of a job decided.
#[must_use]
pub struct Verdict<T> {
    batch: Batch,
    then: Then<T>,
}

enum Then<T> {
    End(Finished),
    Proceed(T, Option<Stamp<T>>),
}

impl<T> Verdict<T> {
    /// Write this, and the job is done.
    pub fn done(batch: Batch) -> Self {
        Self {
            batch,
            then: Then::End(Finished::Done),
        }
    }

    /// Write this, and run again at `at`, because of `error` if there is one.
    pub fn again(batch: Batch, at: Timestamp, error: Option<String>) -> Self {
        Self {
            batch,
            then: Then::End(Finished::Again { at, error }),
        }
    }

    /// Write this while the claim is held, and go on with `answer`: for effects that must not be
    /// had twice. When there is nothing to write, the run just goes on.
    pub fn proceed(batch: Batch, answer: T) -> Self {
        Self {
            batch,
            then: Then::Proceed(answer, None),
        }
    }

    /// See [`Decision::stamped`].
    pub fn stamped(mut self, place: usize, set: fn(&mut T, i64)) -> Self {
        if let Then::Proceed(_, stamp) = &mut self.then {
            *stamp = Some((place, set));
        }
        self
    }
}

/// What a table test looks at.
#[cfg(test)]
impl<T> Verdict<T> {
    pub(crate) fn batch(&self) -> &Batch {
        &self.batch
    }

    /// How the job ends; `None` when its run goes on.
    pub(crate) fn end(&self) -> Option<&Finished> {
        match &self.then {
            Then::End(how) => Some(how),
            Then::Proceed(..) => None,
        }
    }
}

/// The run of a job, which decides under its claim.
pub struct Run<'k> {
    kernel: &'k Kernel,
    job: &'k Claimed,
    even_if_lost: bool,
}

impl Run<'_> {
    /// What is decided counts also when the claim was lost meanwhile: only the end of the job does
    /// not. If it was to run again, it is queued again.
    pub fn even_if_lost(self) -> Self {
        Self {
            even_if_lost: true,
            ..self
        }
    }

    /// Ends the job without anything else. A lost claim is fine.
    ///
    /// # Errors
    /// `Store`.
    pub async fn finish(self, how: Finished) -> Result<(), Error> {
        let verdict = Verdict::<()> {
            batch: Batch::for_org(self.job.org),
            then: Then::End(how),
        };
        match self.settle(verdict, false, self.kernel.moment()).await {
            Ok(_) | Err(CommitError::Conflict(_)) => Ok(()),
            Err(CommitError::Store(error)) => Err(error.into()),
        }
    }

    /// Loads, decides and commits under the claim. When `load` finds nothing, the job is done.
    /// `None` when it ended here.
    ///
    /// # Errors
    /// What `load` and `decide` say; `Conflict` when the claim is lost or the state moved too
    /// often; `Store`.
    pub async fn decide<S, T, F>(
        self,
        load: impl Fn() -> F,
        decide: impl Fn(S, Moment<'_>) -> Result<Verdict<T>, Error>,
    ) -> Result<Option<T>, Error>
    where
        F: Future<Output = Result<Option<S>, Error>>,
    {
        self.decide_from(None, load, decide).await
    }

    /// The same, when the state was loaded already, to act upon it.
    ///
    /// # Errors
    /// See [`Run::decide`].
    pub async fn decide_from<S, T, F>(
        self,
        mut first: Option<S>,
        load: impl Fn() -> F,
        decide: impl Fn(S, Moment<'_>) -> Result<Verdict<T>, Error>,
    ) -> Result<Option<T>, Error>
    where
        F: Future<Output = Result<Option<S>, Error>>,
    {
        let mut tries = Tries(TRIES);
        let mut lost = false;
        loop {
            let state = match first.take() {
                Some(state) => Some(state),
                None => load().await?,
            };
            let moment = self.kernel.moment();
            let verdict = match state {
                Some(state) => decide(state, moment)?,
                None => Verdict::done(Batch::for_org(self.job.org)),
            };
            let only_ends = verdict.batch.writes.is_empty();
            match self.settle(verdict, lost, moment).await {
                Ok(answer) => return Ok(answer),
                Err(CommitError::Conflict(Conflict::StaleFence)) if only_ends => return Ok(None),
                Err(CommitError::Conflict(Conflict::StaleFence)) if self.even_if_lost && !lost => {
                    lost = true
                }
                Err(error) => tries.again(error)?,
            }
        }
    }

    async fn settle<T>(
        &self,
        verdict: Verdict<T>,
        lost: bool,
        moment: Moment<'_>,
    ) -> Result<Option<T>, CommitError> {
        let Verdict { mut batch, then } = verdict;
        let answer = match then {
            Then::Proceed(answer, _) if batch.writes.is_empty() => return Ok(Some(answer)),
            Then::Proceed(answer, stamp) => {
                batch.guard_claim(self.job.id, self.job.fence);
                Some((answer, stamp))
            }
            Then::End(how) => {
                match how {
                    how if !lost => batch.finish(self.job.id, self.job.fence, how),
                    // The job went to somebody else, who found its work in other hands and left it.
                    Finished::Again { at, .. } => {
                        let Claimed {
                            org,
                            kind,
                            key,
                            queue,
                            ..
                        } = self.job;
                        let again = NewJob::new(*kind, *org, key, at, moment).in_queue(queue);
                        batch.enqueue(again);
                    }
                    Finished::Done | Finished::Failed { .. } => {}
                }
                None
            }
        };
        if batch.writes.is_empty() {
            return Ok(None);
        }
        let committed = self.kernel.commit(batch).await?;
        Ok(answer.map(|(answer, stamp)| stamped(answer, stamp, &committed)))
    }
}
