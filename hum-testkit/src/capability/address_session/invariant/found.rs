//! INV-68 and INV-69: what is found is what the sources said, not too long ago, and is gone when a
//! session is closed.

use std::time::Duration;

use hum_core::{
    address_session::{AddressSession, FIND, Found, Geocoded, Internet},
    batch::Finished,
    broadband::Place,
    geocode::Reach,
};

use crate::{
    capability::address_session::{Asked, Question, SessionLog, SourceAnswer, Told},
    fake::sources,
    invariant::{Commit, Findings, Invariant, Known},
    monitor::WorldLog,
};

/// How long an answer of remote sources may be used again.
const KEPT: Duration = Duration::from_secs(24 * 3600);

/// What is found is what the sources said.
pub struct Sources;

impl Invariant for Sources {
    fn on_commit(&self, commit: &Commit<'_>, log: &mut WorldLog, findings: &mut Findings) {
        commit
            .inserted::<AddressSession>()
            .for_each(|session| created(commit, session, &log.sessions, findings));
        for session in commit.changed::<AddressSession>() {
            let Some(before) = commit.before.get::<AddressSession>(&session.id) else {
                continue;
            };
            changed(commit, before, session, log, findings);
        }
    }

    fn at_quiescence(&self, known: &Known<'_>, findings: &mut Findings) {
        for session in known
            .mirror
            .all::<AddressSession>()
            .filter(|session| session.closed_at().is_none())
        {
            if session.found().is_pending() {
                findings.add(
                    "INV-69",
                    format!("{} is pending, and nobody looks any more", session.id),
                );
            }
        }
    }
}

/// A session is made.
fn created(
    commit: &Commit<'_>,
    session: &AddressSession,
    log: &SessionLog,
    findings: &mut Findings,
) {
    if session.found().is_pending() {
        let id = session.id.to_string();
        if !commit.jobs().any(|job| job.kind == FIND && job.key == id) {
            findings.add("INV-69", format!("{id} is pending, and no job looks"));
        }
    }
    if let Some(call) = log.creation_of(session) {
        judge(
            commit,
            log,
            &Found::default(),
            session,
            call.start,
            findings,
        );
    }
}

/// A session is changed.
fn changed(
    commit: &Commit<'_>,
    before: &AddressSession,
    after: &AddressSession,
    log: &WorldLog,
    findings: &mut Findings,
) {
    if after.closed_at().is_some() {
        if !is_cleared(after.found()) {
            findings.add(
                "INV-68",
                format!("{} is closed, and has {:?}", after.id, after.found()),
            );
        }
        return;
    }
    if before.found() == after.found() {
        return;
    }
    let claim = commit.ends().find_map(|finish| {
        let begun = log.jobs.claims.get(&finish.job)?;
        Some((*begun, matches!(finish.how, Finished::Again { .. })))
    });
    match claim {
        None => findings.add(
            "INV-69",
            format!("{} has other findings, and no job looked", after.id),
        ),
        Some((claimed, again)) => {
            if after.found().is_pending() && !again {
                findings.add(
                    "INV-69",
                    format!("{} is pending, and its job is done", after.id),
                );
            }
            judge(
                commit,
                &log.sessions,
                before.found(),
                after,
                claimed,
                findings,
            );
        }
    }
}

fn is_cleared(found: &Found) -> bool {
    matches!(found.geocoding, Geocoded::Failed)
        && matches!(found.internet, Internet::Failed { data_set: None })
        && found.problems.is_empty()
}

/// Whether the sources said what is new since `before`, to whom commits, and may be quoted from
/// `begun` until now.
fn judge(
    commit: &Commit<'_>,
    log: &SessionLog,
    before: &Found,
    session: &AddressSession,
    begun: Duration,
    findings: &mut Findings,
) {
    if log.sources.is_none() {
        return;
    }
    let found = session.found();
    let mut may_say: Vec<String> = before.problems.clone();
    let mut wrong = |what: String| findings.add("INV-69", format!("{}: {what}", session.id));
    let asks_where = |asked: &Asked| match asked {
        Asked::Where(address, given) => {
            address.street == session.request.street1
                && address.zip5 == session.request.zip
                && *given == session.request.coordinates()
        }
        Asked::Who(_) => false,
    };
    if before.geocoding != Geocoded::Pending && before.geocoding != found.geocoding {
        wrong(format!(
            "{:?} became {:?}",
            before.geocoding, found.geocoding
        ));
    }
    if before.geocoding == Geocoded::Pending && found.geocoding != Geocoded::Pending {
        let said = |answer: &SourceAnswer| match &answer.told {
            Told::Where(geocoding) => match (&found.geocoding, &geocoding.candidates[..]) {
                (Geocoded::Failed, []) => true,
                (Geocoded::Matched(place), [only]) => **place == *only,
                (Geocoded::Multiple(places), [_, _, ..]) => *places == geocoding.candidates,
                _ => false,
            },
            Told::Who(_) | Told::Failure(_) => false,
        };
        let failed = found.geocoding == Geocoded::Failed
            && failed(commit, log, &asks_where, begun, &mut may_say);
        if !failed && !quoted(commit, log, &asks_where, &said, begun, &mut may_say) {
            wrong(format!("nobody said {:?} since {begun:?}", found.geocoding));
        }
    }
    if before.internet != Internet::Pending && before.internet != found.internet {
        wrong(format!("{:?} became {:?}", before.internet, found.internet));
    }
    if before.internet == Internet::Pending && found.internet != Internet::Pending {
        match &found.geocoding {
            Geocoded::Pending | Geocoded::Multiple(_) | Geocoded::Failed => {
                if found.internet != (Internet::Failed { data_set: None })
                    || found.geocoding == Geocoded::Pending
                {
                    wrong(format!("providers at no place: {:?}", found.internet));
                }
            }
            Geocoded::Matched(place) => {
                let place = Place::from(&**place);
                let asks_who =
                    |asked: &Asked| matches!(asked, Asked::Who(asked) if *asked == place);
                let said = |answer: &SourceAnswer| match &answer.told {
                    Told::Who(coverage) => match &found.internet {
                        Internet::Matched(found) => {
                            !found.providers.is_empty()
                                && found.providers == coverage.providers
                                && found.data_set == coverage.data_set
                                && found.data_set == sources::data_set(answer.release)
                        }
                        Internet::Failed {
                            data_set: Some(name),
                        } => {
                            coverage.providers.is_empty()
                                && *name == sources::data_set(answer.release)
                        }
                        Internet::Failed { data_set: None } | Internet::Pending => false,
                    },
                    Told::Where(_) | Told::Failure(_) => false,
                };
                let failed = found.internet == (Internet::Failed { data_set: None })
                    && failed(commit, log, &asks_who, begun, &mut may_say);
                if !failed && !quoted(commit, log, &asks_who, &said, begun, &mut may_say) {
                    wrong(format!("nobody said {:?} since {begun:?}", found.internet));
                }
            }
        }
    }
    for problem in found
        .problems
        .iter()
        .filter(|problem| !may_say.contains(problem))
    {
        wrong(format!("nobody said {problem:?}"));
    }
    let silent = found.internet == (Internet::Failed { data_set: None })
        && matches!(found.geocoding, Geocoded::Matched(_));
    if silent && found.problems.is_empty() {
        wrong("a source failed, and nobody is told".into());
    }
}

/// Whether this process was told so by a source, since `begun` or, by remote ones, at most a day
/// before, by data that still held.
fn quoted(
    commit: &Commit<'_>,
    log: &SessionLog,
    asks: &dyn Fn(&Asked) -> bool,
    said: &dyn Fn(&SourceAnswer) -> bool,
    begun: Duration,
    may_say: &mut Vec<String>,
) -> bool {
    let fits = |question: &&Question| question.process == commit.process && asks(&question.asked);
    let mut any = false;
    for question in log.questions.iter().filter(fits) {
        let Some(answer) = &question.answer else {
            continue;
        };
        let is_new = question.at >= begun;
        let is_kept = log.sources == Some(Reach::Remote) && begun.saturating_sub(answer.at) < KEPT;
        if (is_new || is_kept) && log.country.held_since(answer.release, begun) && said(answer) {
            any = true;
            may_say.extend(match &answer.told {
                Told::Where(geocoding) => geocoding.problems.clone(),
                Told::Who(coverage) => coverage.problems.clone(),
                Told::Failure(_) => Vec::new(),
            });
        }
    }
    any
}

/// Whether a source failed this process since `begun`, or kept it waiting for too long.
fn failed(
    commit: &Commit<'_>,
    log: &SessionLog,
    asks: &dyn Fn(&Asked) -> bool,
    begun: Duration,
    may_say: &mut Vec<String>,
) -> bool {
    const PATIENCE: Duration = Duration::from_secs(10);
    let fits = |question: &&Question| {
        question.process == commit.process && question.at >= begun && asks(&question.asked)
    };
    let mut any = false;
    for question in log.questions.iter().filter(fits) {
        match &question.answer {
            Some(SourceAnswer {
                told: Told::Failure(error),
                ..
            }) => may_say.push(error.to_string()),
            Some(answer) if answer.at.saturating_sub(question.at) < PATIENCE => continue,
            None if commit.clock.elapsed().saturating_sub(question.at) < PATIENCE => continue,
            Some(_) | None => may_say.push("a source is unavailable: no answer within 10 s".into()),
        }
        any = true;
    }
    any
}
