//! Who gets the room that is free: organizations in turn, and within them their lines.

use std::collections::BTreeMap;

use crate::kernel::id::{JobId, OrgId};

use super::{BEHIND_ALL, Claim, Claimed, JobKind, Lane, Line, Look, Want};

/// How many jobs of a named queue run at once in a process, such as those of one endpoint.
pub const QUEUE_AT_MOST: usize = 32;

/// What runs in a process, and what more may.
///
/// A lane has room for a number of jobs. No organization takes more than half of it, or a quarter
/// where jobs wait for servers of others, and no queue more than [`QUEUE_AT_MOST`]: so there is
/// always room for somebody else.
#[derive(Debug)]
pub struct Room {
    size: usize,
    held: BTreeMap<JobId, Held>,
    lanes: BTreeMap<Lane, usize>,
    organizations: BTreeMap<(Lane, OrgId), usize>,
    lines: BTreeMap<Line, usize>,
    /// Where the next look begins.
    last: BTreeMap<JobKind, Line>,
}

#[derive(Debug)]
struct Held {
    claim: Claim,
    lane: Lane,
    line: Line,
    lost: bool,
}

/// What keeps a line from getting more.
enum Full {
    Lane,
    Organization,
    Line,
}

/// Behind what the next look may begin.
#[derive(Debug, Clone, Copy)]
enum Behind {
    Line,
    Organization,
}

/// Places that are given out, by the positions of lines.
struct Given {
    all: u32,
    of_organization: BTreeMap<OrgId, u32>,
    of_line: Vec<u32>,
    behind: Vec<Option<Behind>>,
}

impl Given {
    fn nothing(lines: usize) -> Self {
        Self {
            all: 0,
            of_organization: BTreeMap::new(),
            of_line: vec![0; lines],
            behind: vec![None; lines],
        }
    }

    /// Of all, of an organization, of a line.
    fn so_far(&self, org: OrgId, nth: usize) -> (u32, u32, u32) {
        let of_organization = self.of_organization.get(&org).copied().unwrap_or(0);
        (self.all, of_organization, self.of_line[nth])
    }

    fn give(&mut self, org: OrgId, nth: usize) {
        self.all += 1;
        *self.of_organization.entry(org).or_default() += 1;
        self.of_line[nth] += 1;
        self.behind[nth] = Some(Behind::Line);
    }
}

/// The positions of each organization's lines, organizations as they come.
fn in_turn(lines: &[Line]) -> Vec<Vec<usize>> {
    let mut organizations: Vec<(OrgId, Vec<usize>)> = Vec::new();
    for (nth, line) in lines.iter().enumerate() {
        match organizations.iter_mut().find(|(org, _)| *org == line.org) {
            Some((_, own)) => own.push(nth),
            None => organizations.push((line.org, vec![nth])),
        }
    }
    organizations.into_iter().map(|(_, own)| own).collect()
}

impl Room {
    /// Empty room for `size` answers to people and as many jobs that wait for others, and a quarter
    /// of that for hum's own work.
    pub fn new(size: usize) -> Self {
        Self {
            size: size.max(1),
            held: BTreeMap::new(),
            lanes: BTreeMap::new(),
            organizations: BTreeMap::new(),
            lines: BTreeMap::new(),
            last: BTreeMap::new(),
        }
    }

    fn of_lane(&self, lane: Lane) -> usize {
        match lane {
            Lane::Reply | Lane::Others => self.size,
            Lane::Own => self.size.div_ceil(4),
        }
    }

    fn of_organization(&self, lane: Lane) -> usize {
        match lane {
            Lane::Reply | Lane::Own => self.of_lane(lane).div_ceil(2),
            Lane::Others => self.of_lane(lane).div_ceil(4),
        }
    }

    /// Where to look for work that there is room for, of these kinds.
    pub fn looks(&self, kinds: impl IntoIterator<Item = (JobKind, Lane)>) -> Vec<Look> {
        let has_room = |lane| self.lanes.get(&lane).copied().unwrap_or(0) < self.of_lane(lane);
        let kinds = kinds.into_iter().filter(|(_, lane)| has_room(*lane));
        kinds
            .map(|(kind, _)| Look {
                kind,
                after: self.last.get(&kind).cloned(),
            })
            .collect()
    }

    /// Shares the free room of a lane among lines that were found in this order. Each organization
    /// gets a place in turn, for its lines in turn.
    pub fn share(&mut self, lane: Lane, lines: &[Line]) -> Vec<Want> {
        let mut given = Given::nothing(lines.len());
        let mut turns = in_turn(lines);
        while !turns.is_empty() {
            turns.retain_mut(|own| self.give_a_place(lane, lines, own, &mut given));
        }
        for (line, behind) in lines.iter().zip(&given.behind) {
            let queue = match behind {
                None => continue,
                Some(Behind::Line) => line.queue.clone(),
                Some(Behind::Organization) => BEHIND_ALL.to_owned(),
            };
            let last = Line {
                queue,
                ..line.clone()
            };
            self.last.insert(line.kind, last);
        }
        let wants = lines.iter().zip(given.of_line);
        wants
            .filter(|(_, limit)| *limit > 0)
            .map(|(line, limit)| Want {
                line: line.clone(),
                limit,
            })
            .collect()
    }

    /// Gives one place to the next of an organization's `own` lines that may have one; whether it
    /// may get another.
    fn give_a_place(
        &self,
        lane: Lane,
        lines: &[Line],
        own: &mut Vec<usize>,
        given: &mut Given,
    ) -> bool {
        while let Some((nth, line)) = own.first().and_then(|nth| Some((*nth, lines.get(*nth)?))) {
            match self.full(lane, line, given.so_far(line.org, nth)) {
                None => {
                    given.give(line.org, nth);
                    own.rotate_left(1);
                    return true;
                }
                Some(Full::Line) => {
                    given.behind[nth] = Some(Behind::Line);
                    own.remove(0);
                }
                Some(Full::Organization) => {
                    given.behind[nth] = Some(Behind::Organization);
                    return false;
                }
                Some(Full::Lane) => return false,
            }
        }
        false
    }

    /// `more` are those that were given already: of the lane, its organization and the line.
    fn full(&self, lane: Lane, line: &Line, more: (u32, u32, u32)) -> Option<Full> {
        let of = |held: Option<&usize>, more: u32| held.copied().unwrap_or(0) + more as usize;
        let organization = self.organizations.get(&(lane, line.org));
        if of(self.lanes.get(&lane), more.0) >= self.of_lane(lane) {
            Some(Full::Lane)
        } else if of(organization, more.1) >= self.of_organization(lane) {
            Some(Full::Organization)
        } else if !line.queue.is_empty() && of(self.lines.get(line), more.2) >= QUEUE_AT_MOST {
            Some(Full::Line)
        } else {
            None
        }
    }

    /// A job was claimed.
    pub fn take(&mut self, lane: Lane, job: &Claimed) {
        let line = job.line();
        *self.lanes.entry(lane).or_default() += 1;
        *self.organizations.entry((lane, job.org)).or_default() += 1;
        *self.lines.entry(line.clone()).or_default() += 1;
        let held = Held {
            claim: job.claim(),
            lane,
            line,
            lost: false,
        };
        self.held.insert(job.id, held);
    }

    /// A run ended.
    pub fn leave(&mut self, job: JobId) {
        let Some(Held { lane, line, .. }) = self.held.remove(&job) else {
            return;
        };
        less(&mut self.lanes, lane);
        less(&mut self.organizations, (lane, line.org));
        less(&mut self.lines, line);
    }

    /// A claim was not renewed: it is held by somebody else, or nobody. Its job runs on.
    pub fn lose(&mut self, claim: Claim) {
        if let Some(held) = self.held.get_mut(&claim.job) {
            held.lost = held.claim == claim;
        }
    }

    /// The claims that are held, as far as is known.
    pub fn claims(&self) -> Vec<Claim> {
        let held = self.held.values().filter(|held| !held.lost);
        held.map(|held| held.claim).collect()
    }
}

fn less<K: Ord>(counts: &mut BTreeMap<K, usize>, key: K) {
    if let Some(count) = counts.get_mut(&key) {
        *count -= 1;
        if *count == 0 {
            counts.remove(&key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::clock::Timestamp;

    const DELIVER: JobKind = JobKind::new("deliver");

    fn org(nth: u8) -> OrgId {
        OrgId::new(Timestamp::from_micros(0), &Fixed(nth))
    }

    struct Fixed(u8);
    impl crate::kernel::entropy::Entropy for Fixed {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill(self.0);
        }
    }

    fn line(of: u8, queue: &str) -> Line {
        Line {
            kind: DELIVER,
            org: org(of),
            queue: queue.into(),
        }
    }

    fn run(room: &mut Room, lane: Lane, want: &Want) {
        for nth in 0..want.limit {
            let bytes = u8::try_from(room.held.len()).unwrap_or_default() + 1;
            let job = Claimed {
                id: JobId::new(Timestamp::from_micros(1), &Fixed(bytes)),
                org: want.line.org,
                kind: want.line.kind,
                key: nth.to_string(),
                queue: want.line.queue.clone(),
                fence: 1,
                attempt: 1,
            };
            room.take(lane, &job);
        }
    }

    fn limits(wants: &[Want]) -> Vec<u32> {
        wants.iter().map(|want| want.limit).collect()
    }

    #[test]
    fn organizations_get_places_in_turn_however_many_lines_they_have() {
        let mut room = Room::new(9);
        let lines = [line(1, "a"), line(1, "b"), line(1, "c"), line(2, "a")];
        // A quarter of nine is three.
        assert_eq!(
            limits(&room.share(Lane::Others, &lines)),
            [1, 1, 1, 3],
            "three each"
        );
    }

    #[test]
    fn an_organization_takes_half_a_lane_and_a_queue_its_share() {
        let mut room = Room::new(256);
        let wants = room.share(Lane::Others, &[line(1, "a")]);
        assert_eq!(limits(&wants), [QUEUE_AT_MOST as u32]);
        run(&mut room, Lane::Others, &wants[0]);
        let wants = room.share(
            Lane::Others,
            &[line(1, "a"), line(1, "b"), line(1, "c"), line(2, "")],
        );
        assert_eq!(limits(&wants), [16, 16, 64], "a quarter of the lane each");
        assert_eq!(limits(&room.share(Lane::Reply, &[line(1, "")])), [128]);
    }

    #[test]
    fn a_full_lane_is_not_looked_for() {
        let mut room = Room::new(4);
        let kinds = [(DELIVER, Lane::Others)];
        for nth in 1..=4 {
            assert_eq!(room.looks(kinds).len(), 1);
            let wants = room.share(Lane::Others, &[line(nth, "")]);
            assert_eq!(limits(&wants), [1]);
            run(&mut room, Lane::Others, &wants[0]);
        }
        assert!(room.looks(kinds).is_empty());
        let first = room.claims()[0];
        room.leave(first.job);
        assert_eq!(room.looks(kinds).len(), 1);
        assert_eq!(room.claims().len(), 3);
    }

    #[test]
    fn the_next_look_begins_behind_what_was_served_or_is_full() {
        let mut room = Room::new(4);
        let kinds = [(DELIVER, Lane::Others)];
        let after = |room: &Room| room.looks(kinds)[0].after.clone();
        assert_eq!(after(&room), None);
        let wants = room.share(Lane::Others, &[line(1, "a"), line(1, "b")]);
        assert_eq!(limits(&wants), [1]);
        assert_eq!(after(&room), Some(line(1, BEHIND_ALL)));
        run(&mut room, Lane::Others, &wants[0]);
        assert_eq!(room.share(Lane::Others, &[line(1, "b")]), []);
        let wants = room.share(Lane::Others, &[line(2, "a")]);
        assert_eq!(after(&room), Some(line(2, BEHIND_ALL)));
        assert_eq!(limits(&wants), [1]);
    }

    #[test]
    fn a_lost_claim_is_not_renewed_and_still_takes_its_place() {
        let mut room = Room::new(1);
        let wants = room.share(Lane::Reply, &[line(1, "")]);
        run(&mut room, Lane::Reply, &wants[0]);
        let claim = room.claims()[0];
        room.lose(claim);
        assert!(room.claims().is_empty());
        assert_eq!(room.share(Lane::Reply, &[line(2, "")]), []);
        room.leave(claim.job);
        assert_eq!(limits(&room.share(Lane::Reply, &[line(2, "")])), [1]);
    }
}
