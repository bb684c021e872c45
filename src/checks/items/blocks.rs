//! Blocks: cut, uploaded, and in the bucket.

use super::super::model::{Detail, Item, Status};
use super::super::sight::{Sight, grown, over, who};
use super::super::words;

/// Blocks cut locally against blocks uploaded.
pub(in crate::checks) fn blocks(sight: &Sight<'_>) -> Item {
    let item = Item::new("blocks", "uploads", "Blocks cut and uploaded")
        .target("every block that was cut, but the newest")
        .next(format!(
            "{}, against thanos.shipper.json there",
            sight.command("exec POD -c CONTAINER -- ls DIR/TENANT", None)
        ));
    let mut details = Vec::new();
    for member in sight.members.iter().filter(|m| m.stores) {
        let uploads: Vec<_> = sight
            .of_pod("thanos_shipper_uploads_total", &member.name)
            .collect();
        for uploaded in &uploads {
            let tenant = uploaded.get("tenant").unwrap_or_default();
            let mut cut = sight.of_pod("prometheus_tsdb_compactions_total", &member.name);
            let Some(cut) = cut.find(|c| c.get("tenant").unwrap_or_default() == tenant) else {
                continue;
            };
            let (cut, up) = (grown(cut), grown(uploaded));
            // The newest block may still be on its way.
            let status = if cut - up > 1.0 {
                Status::Fail
            } else {
                Status::Pass
            };
            let figure = format!("{} cut, {} uploaded", words::count(cut), words::count(up));
            details.push(
                Detail::new(
                    &format!("{} {tenant}", sight.short(&member.name)),
                    status,
                    figure,
                )
                .value(cut - up),
            );
        }
    }
    if details.is_empty() {
        return item.unknown(sight.no_metric("thanos_shipper_uploads_total"));
    }
    let behind: Vec<Detail> = details
        .iter()
        .filter(|d| d.status == Status::Fail)
        .cloned()
        .collect();
    let missing: f64 = details
        .iter()
        .filter_map(|d| d.value)
        .map(|v| v.max(0.0))
        .sum();
    let spans = over(sight.of("thanos_shipper_uploads_total"));
    let item = item
        .figure(format!("{} not uploaded, {spans}", words::count(missing)))
        .source("prometheus_tsdb_compactions_total, thanos_shipper_uploads_total")
        .details(details);
    if behind.is_empty() {
        item.pass()
    } else {
        item.ends(Status::Fail, who(&behind))
    }
}

/// Weekly: count of blocks in the bucket against expectation.
pub(in crate::checks) fn bucket(sight: &Sight<'_>) -> Item {
    let item = Item::new("bucket-blocks", "uploads", "Blocks in the bucket")
        .target("at least those uploaded, less what compaction joined")
        .next("thanos tools bucket ls -o json, or mc ls; expect 12 a day, tenant and member until compaction");
    let loaded = || {
        sight.of("thanos_bucket_store_blocks_loaded").chain(
            sight
                .of("thanos_blocks_meta_synced")
                .filter(|s| s.get("state") == Some("loaded")),
        )
    };
    let Some(found) = loaded().filter_map(|s| s.number("value")).reduce(f64::max) else {
        return item.unknown(
            "the bucket is not in the input, nor are metrics of a store gateway or compactor",
        );
    };
    let uploads: f64 = sight
        .of("thanos_shipper_uploads_total")
        .filter_map(|s| s.number("value"))
        .sum();
    let before = sight
        .before("bucket-blocks")
        .and_then(|i| i.details.first()?.value);
    let source = loaded()
        .next()
        .and_then(|s| s.get("metric"))
        .unwrap_or_default()
        .to_owned();
    let detail = Detail::new("bucket", Status::Pass, words::count(found)).value(found);
    let item = item
        .figure(format!(
            "{} blocks; {} uploaded since the processes began",
            words::count(found),
            words::count(uploads)
        ))
        .source(source)
        .details(vec![detail]);
    if found <= 0.0 && uploads > 0.0 {
        return item.ends(
            Status::Fail,
            "blocks were uploaded, yet none is seen in the bucket",
        );
    }
    match before {
        Some(before) if found < before / 2.0 => item.ends(
            Status::Fail,
            format!(
                "{} at the last check: more than half are gone",
                words::count(before)
            ),
        ),
        Some(before) if found == before && uploads > 0.0 => item.ends(
            Status::Warn,
            "as many as at the last check: does anything arrive?",
        ),
        _ => item.pass(),
    }
}
