//! Bounds of the API server's clock against the run's.
//!
//! An HTTP `Date` header names a second: at some moment between sending and the answer, the server's clock
//! showed a time within it. Each answer so gives bounds one second and a round trip wide, and bounds of
//! several answers intersect. Requests that are aimed at the moment when the server's second should change
//! halve what is left, down to about a round trip. Bounds grow with time, because both clocks may be slewed.
//!
//! Behind one address may be several API servers, each with a clock of its own. An HTTP/2 connection leads to one of them,
//! so each connection has its own bounds; what holds for all is their hull.

use std::{collections::BTreeMap, time::Duration};

use bench_limiter::RunClock;
use bench_model::TimeNs;
use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode, header};
use parking_lot::Mutex;

use crate::{
    Cluster, Inner,
    connection::{Answered, Whose},
    transport,
};

const SECOND: i64 = 1_000_000_000;

/// What two clocks may part in a second, in ns: Linux slews a clock by at most 500 ppm (`MAXFREQ` of
/// `include/linux/timex.h`), and both may be.
const MAX_PARTING: i64 = 1_000_000;

/// Lowest and highest offset: `server - run`, in ns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct OffsetBounds {
    low: i64,
    high: i64,
}

impl OffsetBounds {
    /// From the second in a `Date` header and the times around the request.
    pub(crate) fn new(clock: &RunClock, unix_second: i64, sent: TimeNs, done: TimeNs) -> Self {
        let second = clock.from_unix_ns(i128::from(unix_second) * i128::from(SECOND)).0;
        Self {
            low: second.saturating_sub(done.0),
            high: second.saturating_add(SECOND).saturating_sub(sent.0),
        }
    }

    fn intersect(self, other: Self) -> Option<Self> {
        let both = Self { low: self.low.max(other.low), high: self.high.min(other.high) };
        (both.low <= both.high).then_some(both)
    }

    /// What they allow some time later.
    fn after(self, time: Duration) -> Self {
        let seconds = i64::try_from(time.as_secs()).unwrap_or(i64::MAX);
        let parted = seconds.saturating_mul(MAX_PARTING);
        Self { low: self.low.saturating_sub(parted), high: self.high.saturating_add(parted) }
    }

    fn width(self) -> i64 {
        self.high.saturating_sub(self.low)
    }

    /// The next run time at which a request has to leave to be read `way` later, just when the server's second
    /// changes, if its offset is in the middle. Aimed so, bounds narrow to one round trip; else to two.
    fn next_aim(self, now: TimeNs, way: i64) -> TimeNs {
        let middle = self.low.saturating_add(self.width() / 2);
        let into_second = now.0.saturating_add(way).saturating_add(middle).rem_euclid(SECOND);
        now + Duration::from_nanos((SECOND - into_second).unsigned_abs())
    }
}

/// The narrowest bounds so far.
#[derive(Debug, Default)]
pub(crate) struct ClockOffset(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    bounds: BTreeMap<Whose, Measured>,
    /// Counts the calls of [`ClockOffset::begin`].
    round: u32,
    /// When that was called last.
    since: TimeNs,
}

/// Bounds, and the round in which an answer last said something of them.
#[derive(Debug, Clone, Copy)]
struct Measured {
    bounds: OffsetBounds,
    round: u32,
}

impl ClockOffset {
    /// Takes new bounds into account. Bounds that contradict the old ones of the same connection replace them: a clock
    /// was set.
    pub(crate) fn narrow(&self, whose: Whose, new: OffsetBounds) {
        let known = &mut *self.0.lock();
        let round = known.round;
        let before = known.bounds.get(&whose).and_then(|before| before.bounds.intersect(new));
        known.bounds.insert(whose, Measured { bounds: before.unwrap_or(new), round });
    }

    /// Begins a round: widens the bounds by what the clocks may have parted since the last one.
    fn begin(&self, now: TimeNs) {
        let known = &mut *self.0.lock();
        let apart = Duration::from_nanos(u64::try_from(now.0.saturating_sub(known.since.0)).unwrap_or(0));
        known.bounds.values_mut().for_each(|measured| measured.bounds = measured.bounds.after(apart));
        (known.since, known.round) = (now, known.round.wrapping_add(1));
    }

    /// Ends a round: forgets connections that nothing came on any more, unless nothing came at all.
    fn end(&self) {
        let known = &mut *self.0.lock();
        let round = known.round;
        if known.bounds.values().any(|measured| measured.round == round) {
            known.bounds.retain(|_, measured| measured.round == round);
        }
    }

    fn of(&self, whose: Whose) -> Option<OffsetBounds> {
        self.0.lock().bounds.get(&whose).map(|measured| measured.bounds)
    }

    /// What holds for all connections.
    fn hull(&self) -> Option<OffsetBounds> {
        let known = self.0.lock();
        let each = known.bounds.values().map(|measured| measured.bounds);
        each.reduce(|a, b| OffsetBounds { low: a.low.min(b.low), high: a.high.max(b.high) })
    }
}

/// The second that the `Date` header names, as Unix time.
pub(crate) fn server_second(headers: &HeaderMap) -> Option<i64> {
    let text = headers.get(header::DATE)?.to_str().ok()?;
    let date = jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(text).ok()?;
    Some(date.as_second())
}

impl Cluster {
    /// Lowest and highest offset of the API server's clock against the run's, `server - run`, as far as
    /// known; the ends of the number line when nothing is. Holds for each connection of the load.
    pub fn clock_offset(&self) -> (TimeNs, TimeNs) {
        match self.inner.clock_offset.hull() {
            Some(bounds) => (TimeNs(bounds.low), TimeNs(bounds.high)),
            None => (TimeNs(i64::MIN), TimeNs(i64::MAX)),
        }
    }

    /// Narrows the bounds with up to `requests` small requests on each connection of the load, each up to a second
    /// after the one before.
    ///
    /// Ends early when a request does not narrow them any more. Sixteen give less than two round trips.
    /// What was known before is widened by what the clocks may have parted since.
    pub async fn measure_clock_offset(&self, requests: u32) -> (TimeNs, TimeNs) {
        let cluster = self.clone();
        // Without an outcome the bounds stay as they are.
        let _ = self
            .on_load_runtime(async move {
                cluster.inner.clock_offset.begin(cluster.inner.clock.now());
                let connections = 0..cluster.inner.transport.connections();
                futures::future::join_all(connections.map(|at| cluster.aim_at_ticks(at, requests))).await;
                cluster.inner.clock_offset.end();
            })
            .await;
        self.clock_offset()
    }

    /// Opens the connections of the load that no request has gone on, so that no operation waits for that.
    pub(crate) async fn open_load_connections(&self) {
        let unopened = 1..self.inner.transport.connections();
        // One that cannot be opened is told by the first operation that needs it.
        for answer in
            futures::future::join_all(unopened.map(|at| self.ask_for_date(at))).await.into_iter().flatten()
        {
            self.inner.clock_offset.narrow(answer.whose, answer.bounds);
        }
    }

    async fn aim_at_ticks(&self, connection: usize, requests: u32) {
        let offset = &self.inner.clock_offset;
        let (mut whose, mut way) = (None, 0);
        for _ in 0..requests {
            let before = offset.of(whose);
            if let Some(bounds) = before {
                let aim = bounds.next_aim(self.inner.clock.now(), way);
                tokio::time::sleep_until(self.inner.clock.instant(aim)).await;
            }
            let Some(answer) = self.ask_for_date(connection).await else { return };
            offset.narrow(answer.whose, answer.bounds);
            way = answer.round_trip / 2;
            let narrowed = offset.of(answer.whose).map_or(0, OffsetBounds::width);
            let is_same = std::mem::replace(&mut whose, answer.whose) == whose;
            if is_same && before.is_some_and(|before| before.width() - narrowed < before.width() / 20) {
                return;
            }
        }
    }

    async fn ask_for_date(&self, connection: usize) -> Option<Answer> {
        let Inner { base, clock, credentials, limiter, transport, request_timeout, .. } = &*self.inner;
        limiter.acquire().await;
        let uri = base.uri("/version".to_owned()).ok()?;
        let request = transport::request(Method::GET, uri, credentials.headers(clock), "", Bytes::new());
        let sent = clock.now();
        let place = transport.place_on(connection);
        let answer = tokio::time::timeout(*request_timeout, place.send(request)).await;
        let done = clock.now();
        let Answered { response, whose } = answer.ok()?.ok()?;
        if response.status() == StatusCode::UNAUTHORIZED {
            // The server ends the connection then; asking again would do that to the load's requests again.
            return None;
        }
        let bounds = OffsetBounds::new(clock, server_second(response.headers())?, sent, done);
        Some(Answer { whose, bounds, round_trip: done.0.saturating_sub(sent.0) })
    }
}

/// What one request says.
struct Answer {
    whose: Whose,
    bounds: OffsetBounds,
    /// In ns.
    round_trip: i64,
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use proptest::prelude::*;

    use super::*;

    fn bounds_after(offset: i64, requests: u32, round_trip: i64) -> OffsetBounds {
        let clock = RunClock::start_at(UNIX_EPOCH + Duration::from_secs(1_000));
        let mut now = TimeNs(0);
        let known = ClockOffset::default();
        for _ in 0..requests {
            if let Some(bounds) = known.of(None) {
                now = bounds.next_aim(now, round_trip / 2);
            }
            let read_at = now.0 + round_trip / 2;
            let second =
                (clock.unix_ns(TimeNs(read_at)) + i128::from(offset)).div_euclid(i128::from(SECOND)) as i64;
            let done = TimeNs(now.0 + round_trip);
            known.narrow(None, OffsetBounds::new(&clock, second, now, done));
            now = done;
        }
        known.of(None).expect("bounds")
    }

    #[test]
    fn a_date_header_is_read() {
        let mut headers = HeaderMap::new();
        headers.insert(header::DATE, "Sun, 06 Nov 1994 08:49:37 GMT".parse().expect("a header"));
        assert_eq!(server_second(&headers), Some(784_111_777));
        headers.insert(header::DATE, "yesterday".parse().expect("a header"));
        assert_eq!(server_second(&headers), None);
    }

    const fn bounds(low: i64, high: i64) -> OffsetBounds {
        OffsetBounds { low, high }
    }

    #[test]
    fn bounds_that_contradict_replace_the_old_ones() {
        let known = ClockOffset::default();
        known.narrow(None, bounds(0, 5));
        known.narrow(None, bounds(7, 9));
        assert_eq!(known.hull(), Some(bounds(7, 9)));
    }

    #[test]
    fn bounds_widen_by_what_clocks_may_part_in_the_meantime() {
        let known = ClockOffset::default();
        known.begin(TimeNs(0));
        known.narrow(None, bounds(0, 5));
        known.begin(TimeNs(60 * SECOND));
        assert_eq!(known.hull(), Some(bounds(-60_000_000, 60_000_005)));
        known.begin(TimeNs(60 * SECOND));
        assert_eq!(known.hull(), Some(bounds(-60_000_000, 60_000_005)), "only once");
    }

    #[test]
    fn each_connection_has_its_own_bounds_until_nothing_comes_on_it() {
        let (first, second) = (Some(([127, 0, 0, 1], 1).into()), Some(([127, 0, 0, 1], 2).into()));
        let known = ClockOffset::default();
        known.begin(TimeNs(0));
        known.narrow(first, bounds(0, 5));
        known.narrow(second, bounds(3, 9));
        known.end();
        assert_eq!(known.hull(), Some(bounds(0, 9)), "not what both have in common");
        known.begin(TimeNs(0));
        known.end();
        assert_eq!(known.hull(), Some(bounds(0, 9)), "a round without an answer says nothing");
        known.begin(TimeNs(0));
        known.narrow(second, bounds(4, 20));
        known.end();
        assert_eq!(known.hull(), Some(bounds(4, 9)));
    }

    proptest! {
        #[test]
        fn the_true_offset_is_always_within_and_sixteen_requests_narrow_it_to_two_round_trips(offset in -5_000_000_000_i64..5_000_000_000, round_trip in 100_000_i64..5_000_000) {
            let bounds = bounds_after(offset, 16, round_trip);
            prop_assert!(bounds.low <= offset && offset <= bounds.high);
            prop_assert!(bounds.width() <= 2 * round_trip, "{} of {round_trip}", bounds.width());
        }
    }
}
