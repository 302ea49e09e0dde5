//! The HTML report in a real browser without network.
//!
//! Needs Chromium, which `cargo xtask test` installs where it can; where it cannot, it leaves the test out by its
//! name. `BENCH_SCREENSHOTS=DIR` keeps pictures to look at.

// Helpers are tests too; without this, clippy treats them as production code.
#![cfg(test)]

mod browser;
#[path = "../../host/crates/results/tests/fake/run.rs"]
mod fake;

use std::path::{Path, PathBuf};

use bench_model::JobOutcome;
use bench_report::{MAX_BINS, MAX_SERIES, ViewContext, html};
use bench_results::{Summary, summarize_with_history};
use browser::Browser;
use fake::FakeRun;
use serde_json::Value;

/// A page on disk with what it must agree with.
struct Page {
    name: &'static str,
    file: PathBuf,
    summary: Value,
}

fn page(folder: &Path, name: &'static str, dir: &Path) -> Page {
    let (summary, history) = summarize_with_history(dir, MAX_BINS, MAX_SERIES).expect("reads");
    let context = ViewContext { record: "runs/0198c0de".to_owned(), run: "0198c0de".to_owned() };
    let text = html(&summary, &history, &context).expect("renders");
    let file = folder.join(format!("{name}.html"));
    std::fs::write(&file, text).expect("written");
    Page { name, file, summary: serde_json::to_value(&summary).expect("serialises") }
}

fn recorded(folder: &Path, name: &'static str, run: &FakeRun) -> Page {
    let dir = folder.join(name);
    run.record(&dir);
    page(folder, name, &dir)
}

/// A run whose writer was killed.
fn killed(folder: &Path) -> Page {
    let dir = folder.join("partial");
    let run = FakeRun::default();
    let mut recorder = run.start(&dir);
    for event in run.events().into_iter().take(1500) {
        recorder.record(&event).expect("records");
    }
    recorder.tick(run.due(300)).expect("commits");
    drop(recorder);
    page(folder, "partial", &dir)
}

fn hostile() -> FakeRun {
    let message =
        "</script><script>alert(1)</script><img src=x onerror=alert(2)>\u{1b}[2J\u{202e}PASS".to_owned();
    FakeRun {
        prefix: "</script><script>document.title='owned'</script>\u{202e}\u{1b}[31m".to_owned(),
        thresholds: vec!["p50(pod-latency.ready) < 5s\"><img src=x onerror=alert(3)>".to_owned()],
        outcome: JobOutcome::Failed { message },
        unready: 3,
        ..FakeRun::default()
    }
}

#[test]
fn a_page_works_in_a_real_browser_without_network() {
    let program = browser::program().expect("Chromium is installed");
    let mut browser = Browser::start(&program);
    let folder = tempfile::tempdir().expect("a folder");
    let pages = [
        recorded(folder.path(), "good", &FakeRun::default()),
        recorded(
            folder.path(),
            "bad",
            &FakeRun {
                failing: (20, 429),
                unanswered: 2,
                unready: 12,
                bounded: true,
                pods: 3000,
                ..FakeRun::default()
            },
        ),
        killed(folder.path()),
        recorded(folder.path(), "hostile", &hostile()),
    ];
    for page in &pages {
        for (width, dark) in [(1280, false), (1280, true), (390, false)] {
            check(&mut browser, page, width, dark);
        }
        check_without_scripts(&mut browser, page);
    }
    if let Some(others) = std::env::var_os("BENCH_RUN_DIR") {
        let page = self::page(folder.path(), "given", Path::new(&others));
        check(&mut browser, &page, 1280, false);
        check(&mut browser, &page, 390, true);
    }
}

fn check(browser: &mut Browser, page: &Page, width: u32, dark: bool) {
    let name = page.name;
    browser.show(width, 900, dark);
    browser.open(&page.file, true);
    check_numbers(browser, page);
    check_charts(browser, name);
    check_names(browser, name);
    check_keys(browser, name);
    let too_wide = format!(
        "[...document.querySelectorAll('body *')].filter((e) => e.getBoundingClientRect().right > {width} + 1 && \
         !e.closest('.scroll, nav, pre, .skip')).slice(0, 5).map((e) => e.tagName + '.' + e.className)"
    );
    assert_eq!(browser.evaluate(&too_wide), serde_json::json!([]), "{name} at {width}");
    assert_eq!(browser.evaluate("document.title.includes('owned')"), Value::Bool(false), "{name}");
    browser.evaluate("scrollTo(0, 0)");
    keep_picture(browser, &format!("{name}-{width}-{}", if dark { "dark" } else { "light" }));
    assert_eq!(browser.requests(), Vec::<String>::new(), "{name}");
    assert_eq!(browser.complaints(), Vec::<String>::new(), "{name}");
}

/// Every number says where it comes from, and is what stands there.
fn check_numbers(browser: &mut Browser, page: &Page) {
    let numbers = browser
        .evaluate("[...document.querySelectorAll('data[data-path]')].map((d) => [d.dataset.path, d.value, d.textContent])");
    let numbers = numbers.as_array().expect("a list");
    assert!(numbers.len() > 30, "{}: only {} numbers", page.name, numbers.len());
    let record = browser.evaluate("readRecord()");
    for number in numbers {
        let (path, value, text) = (number[0].as_str(), number[1].as_str(), number[2].as_str());
        let (path, value, text) = (path.expect("a path"), value.expect("a value"), text.expect("a text"));
        let truth = match path.strip_prefix("record:") {
            Some(path) => record.pointer(path),
            None => page.summary.pointer(path),
        };
        let truth = truth.unwrap_or_else(|| panic!("{}: {path} is nowhere", page.name));
        let shown: Value = serde_json::from_str(value).expect("a JSON value");
        assert_eq!(shown.as_f64(), truth.as_f64(), "{}: {path}", page.name);
        assert_eq!(text == "never", truth.is_null(), "{}: {path} reads {text}", page.name);
    }
    // Numbers of JavaScript are all of one kind: compared as what they mean.
    let enclosed: Summary = serde_json::from_value(record["summary"].clone()).expect("a summary");
    let kept: Summary = serde_json::from_value(page.summary.clone()).expect("a summary");
    assert!(enclosed == kept, "{}: the enclosed summary is another one", page.name);
}

/// Each chart that is shown has more than one color in it.
fn check_charts(browser: &mut Browser, name: &str) {
    let colors = "[...document.querySelectorAll('[data-plot]')].filter((p) => p.offsetParent).map((p) => {
        const canvas = p.querySelector('canvas');
        if (!canvas) return [p.dataset.plot, 0];
        const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
        const seen = new Map();
        for (let i = 0; i < data.length; i += 4) {
          if (data[i + 3] < 200) continue;
          const key = (data[i] << 16) | (data[i + 1] << 8) | data[i + 2];
          seen.set(key, (seen.get(key) ?? 0) + 1);
        }
        return [p.dataset.plot, [...seen.values()].filter((n) => n > 8).length];
      })";
    let charts = browser.evaluate(colors);
    let charts = charts.as_array().expect("a list");
    assert!(charts.len() >= 6, "{name}: {charts:?}");
    for chart in charts {
        assert!(chart[1].as_u64().is_some_and(|colors| colors >= 2), "{name}: nothing drawn in {chart}");
    }
}

/// Everything that can be operated has a name.
fn check_names(browser: &mut Browser, name: &str) {
    let tree = browser.call("Accessibility.getFullAXTree", serde_json::json!({}));
    let roles = ["button", "link", "combobox", "slider", "image", "region", "checkbox", "textbox"];
    let mut controls = 0;
    for node in tree["nodes"].as_array().expect("a tree") {
        let role = node["role"]["value"].as_str().unwrap_or_default();
        if node["ignored"] == true || !roles.contains(&role) {
            continue;
        }
        controls += 1;
        let label = node["name"]["value"].as_str().unwrap_or_default();
        assert!(!label.is_empty(), "{name}: a {role} without a name: {node}");
    }
    assert!(controls > 15, "{name}: only {controls} controls");
}

/// The heat map and the theme can be worked with keys alone.
fn check_keys(browser: &mut Browser, name: &str) {
    let key = |key: &str| serde_json::json!({ "type": "keyDown", "key": key, "code": key });
    browser.evaluate("document.querySelector('[data-plot=\"heat\"]').focus()");
    browser.call("Input.dispatchKeyEvent", key("ArrowRight"));
    let text = browser.evaluate("document.querySelector('#heat-readout').textContent");
    assert!(text.as_str().is_some_and(|text| text.contains("values")), "{name}: {text}");
    browser.call("Input.dispatchKeyEvent", key("Escape"));
    browser.evaluate("document.querySelector('[data-plot=\"latency\"]').focus()");
    browser.call("Input.dispatchKeyEvent", key("ArrowRight"));
    let text = browser.evaluate("document.querySelector('#readout').textContent");
    assert!(text.as_str().is_some_and(|text| text.contains("p99")), "{name}: {text}");
    browser.evaluate("document.activeElement.blur()");
}

/// Verdict, numbers and static charts are there without any script.
fn check_without_scripts(browser: &mut Browser, page: &Page) {
    browser.show(1280, 900, false);
    browser.open(&page.file, false);
    let seen = browser.evaluate(
        "[document.querySelectorAll('data[data-path]').length, \
         [...document.querySelectorAll('svg.static')].filter((s) => s.getBoundingClientRect().height > 50).length, \
         [...document.querySelectorAll('.needs-script')].filter((e) => e.offsetParent).length]",
    );
    assert!(seen[0].as_u64().is_some_and(|numbers| numbers > 30), "{}: {seen}", page.name);
    assert_eq!((&seen[1], &seen[2]), (&3.into(), &0.into()), "{}", page.name);
    keep_picture(browser, &format!("{}-1280-plain", page.name));
}

fn keep_picture(browser: &mut Browser, name: &str) {
    let Some(folder) = std::env::var_os("BENCH_SCREENSHOTS") else { return };
    std::fs::create_dir_all(&folder).expect("a folder");
    std::fs::write(Path::new(&folder).join(format!("{name}.png")), browser.picture()).expect("written");
}
