//! Between the generated types of `bindings.rs` and our own; generated types stop here.

use bench_model::{Column, EventBatch, Label, ParseAs, Projection, ResourceRef, Subscription, TimeNs};

use crate::{
    CompletionBatch, ParamColumn, PatchType,
    bindings::{
        bench::{
            base::types,
            cluster::{targets, write},
            plugin::events,
        },
        exports::bench::plugin::measurement,
    },
};

impl From<types::Column> for Column {
    fn from(column: types::Column) -> Self {
        match column {
            types::Column::Bytes(cells) => Self::Bytes(cells),
            types::Column::Ids(cells) => Self::Ids(cells),
            types::Column::Ints(cells) => Self::Ints(cells),
            types::Column::Floats(cells) => Self::Floats(cells),
            types::Column::Texts(cells) => Self::Texts(cells),
        }
    }
}

impl From<Column> for types::Column {
    fn from(column: Column) -> Self {
        match column {
            Column::Bytes(cells) => Self::Bytes(cells),
            Column::Ids(cells) => Self::Ids(cells),
            Column::Ints(cells) => Self::Ints(cells),
            Column::Floats(cells) => Self::Floats(cells),
            Column::Texts(cells) => Self::Texts(cells),
        }
    }
}

impl From<Label> for types::Label {
    fn from(label: Label) -> Self {
        Self { name: label.name, value: label.value }
    }
}

impl From<EventBatch> for measurement::EventBatch {
    fn from(batch: EventBatch) -> Self {
        Self {
            subscription: batch.subscription,
            first_string_id: batch.first_string_id,
            new_strings: batch.new_strings,
            kind: batch.kind,
            object: batch.object,
            uid: batch.uid,
            resource_version: batch.resource_version,
            observed_at: ns(batch.observed_at),
            projected: batch.projected.into_iter().map(Into::into).collect(),
        }
    }
}

/// Times as the numbers that cross; in place, as both have the same layout.
pub(crate) fn ns(times: Vec<TimeNs>) -> Vec<i64> {
    times.into_iter().map(|time| time.0).collect()
}

impl From<events::ParseAs> for ParseAs {
    fn from(parse: events::ParseAs) -> Self {
        match parse {
            events::ParseAs::Text => Self::Text,
            events::ParseAs::Integer => Self::Integer,
            events::ParseAs::Floating => Self::Floating,
            events::ParseAs::Boolean => Self::Boolean,
            events::ParseAs::Time => Self::Time,
            events::ParseAs::Quantity => Self::Quantity,
            events::ParseAs::Raw => Self::Raw,
        }
    }
}

impl From<events::Subscription> for Subscription {
    fn from(subscription: events::Subscription) -> Self {
        let projection = |projection: events::Projection| Projection {
            path: projection.path,
            parse: projection.parse.into(),
        };
        Self {
            group: subscription.group,
            version: subscription.version,
            plural: subscription.plural,
            namespaces: subscription.namespaces,
            label_selector: subscription.label_selector,
            field_selector: subscription.field_selector,
            projections: subscription.projections.into_iter().map(projection).collect(),
        }
    }
}

impl From<targets::ResourceRef> for ResourceRef {
    fn from(target: targets::ResourceRef) -> Self {
        Self {
            group: target.group,
            version: target.version,
            plural: target.plural,
            namespace: target.namespace,
        }
    }
}

impl From<ResourceRef> for targets::ResourceRef {
    fn from(target: ResourceRef) -> Self {
        Self {
            group: target.group,
            version: target.version,
            plural: target.plural,
            namespace: target.namespace,
        }
    }
}

impl From<write::ParamColumn> for ParamColumn {
    fn from(column: write::ParamColumn) -> Self {
        match column {
            write::ParamColumn::Texts(texts) => Self::Texts(texts),
            write::ParamColumn::Ints(ints) => Self::Ints(ints),
            write::ParamColumn::Sequence(start) => Self::Sequence(start),
            write::ParamColumn::Constant(text) => Self::Constant(text),
            write::ParamColumn::Repeated((start, each)) => Self::Repeated { start, each },
            write::ParamColumn::Cycle((start, length)) => Self::Cycle { start, length },
        }
    }
}

impl From<write::PatchType> for PatchType {
    fn from(how: write::PatchType) -> Self {
        match how {
            write::PatchType::Json => Self::Json,
            write::PatchType::Merge => Self::Merge,
            write::PatchType::Strategic => Self::Strategic,
            write::PatchType::Apply => Self::Apply,
        }
    }
}

impl From<CompletionBatch> for write::CompletionBatch {
    fn from(batch: CompletionBatch) -> Self {
        Self {
            op: batch.op,
            due_at: ns(batch.due_at),
            sent_at: ns(batch.sent_at),
            done_at: ns(batch.done_at),
            http_status: batch.http_status,
            attempts: batch.attempts,
            reason: batch.reason,
            reasons: batch.reasons,
        }
    }
}
