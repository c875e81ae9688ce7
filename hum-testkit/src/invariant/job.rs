//! INV-17 to INV-19: the queue. Claims are judged in [`super::Mirror`], where they are seen.

use hum_core::batch::Write;

use super::{Commit, Findings, Mirror};

pub(super) fn on_commit(commit: &Commit<'_>, findings: &mut Findings) {
    for write in &commit.batch.writes {
        let Write::Finish(finish) = write else { continue };
        match commit.before.jobs.get(&finish.job).map(|job| job.claim) {
            Some(Some((fence, _))) if fence == finish.fence => {}
            claim => findings.add("INV-17", format!("{} was finished with fence {} against {claim:?}", finish.job, finish.fence)),
        }
    }
    let foreign = commit.batch.writes.iter().any(|write| match write {
        Write::Enqueue(job) => job.org != commit.batch.org,
        Write::Emit(event) => event.org != commit.batch.org,
        _ => false,
    });
    if foreign {
        findings.add("INV-46", "a batch has another tenant's event or job".into());
    }
}

pub(super) fn at_quiescence(mirror: &Mirror, findings: &mut Findings) {
    for (id, job) in &mirror.jobs {
        if !job.failed {
            findings.add("INV-18", format!("{id} ({job:?}) is not done"));
        } else {
            findings.add("INV-18", format!("{id} ({job:?}) was given up"));
        }
    }
}
