//! Classes of statements that parsed.

use sqlparser::ast::{
    AlterTableOperation, BinaryOperator, CopyTarget, Expr, MergeAction, ObjectType, Query, ReferentialAction,
    SetExpr, Statement, Value,
};

/// The class of a statement.
#[expect(clippy::too_many_lines, reason = "a table of statements in one place reads better than in pieces")]
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "a hundred vendor statements; what nobody knows is unknown"
)]
pub(super) fn class(statement: &Statement) -> &'static str {
    match statement {
        Statement::Query(query) => query_class(query),
        Statement::Explain { analyze, statement, options, .. } => {
            let analyzes = *analyze
                || options.as_ref().is_some_and(|options| {
                    options.iter().any(|option| option.name.value.eq_ignore_ascii_case("analyze"))
                });
            // EXPLAIN ANALYZE runs what it explains.
            match if analyzes { class(statement) } else { "explain" } {
                "select" | "select-for-update" => "explain",
                other => other,
            }
        }
        Statement::ExplainTable { .. }
        | Statement::ShowFunctions { .. }
        | Statement::ShowVariable { .. }
        | Statement::ShowStatus { .. }
        | Statement::ShowVariables { .. }
        | Statement::ShowCreate { .. }
        | Statement::ShowColumns { .. }
        | Statement::ShowCatalogs { .. }
        | Statement::ShowDatabases { .. }
        | Statement::ShowProcessList { .. }
        | Statement::ShowSchemas { .. }
        | Statement::ShowCharset(_)
        | Statement::ShowObjects(_)
        | Statement::ShowTables { .. }
        | Statement::ShowViews { .. }
        | Statement::ShowCollation { .. }
        | Statement::Fetch { .. } => "select",
        Statement::Insert(_) => "insert",
        Statement::Merge(merge) => {
            let deletes =
                merge.clauses.iter().any(|clause| matches!(clause.action, MergeAction::Delete { .. }));
            if deletes { "delete" } else { "update" }
        }
        Statement::Update(update) => {
            if restricts(update.selection.as_ref()) {
                "update"
            } else {
                "update-all"
            }
        }
        Statement::Delete(delete) => {
            if restricts(delete.selection.as_ref()) {
                "delete"
            } else {
                "delete-all"
            }
        }
        Statement::Truncate(_) => "truncate",
        Statement::CreateIndex(index) if index.concurrently => "create-index-concurrently",
        Statement::CreateIndex(_) => "create-index",
        Statement::AlterTable(alter) => alter
            .operations
            .iter()
            .map(alter_class)
            .max_by_key(|class| alter_rank(class))
            .unwrap_or("alter-add"),
        Statement::AlterIndex { .. } | Statement::AlterView { .. } | Statement::AlterSchema(_) => "alter-add",
        Statement::Drop { object_type, cascade: true, .. } if drop_class(*object_type) != "drop-database" => {
            "drop-table"
        }
        Statement::Drop { object_type, .. } => drop_class(*object_type),
        Statement::DropExtension(drop) if drop.cascade_or_restrict == Some(ReferentialAction::Cascade) => {
            "drop-table"
        }
        Statement::DropFunction(_)
        | Statement::DropProcedure { .. }
        | Statement::DropTrigger(_)
        | Statement::DropPolicy(_)
        | Statement::DropExtension(_)
        | Statement::DropDomain(_)
        | Statement::DropSecret { .. } => "drop-view",
        Statement::Grant(_)
        | Statement::Revoke(_)
        | Statement::Deny(_)
        | Statement::CreateRole(_)
        | Statement::CreateUser(_)
        | Statement::AlterRole { .. }
        | Statement::AlterUser(_) => "grant",
        Statement::Copy { to, target, .. } => match (target, to) {
            (CopyTarget::Program { .. }, _) | (CopyTarget::File { .. }, true) => "server-program",
            (CopyTarget::Stdin | CopyTarget::Stdout, true) => "copy-out",
            (CopyTarget::Stdin | CopyTarget::Stdout | CopyTarget::File { .. }, false) => "copy-in",
        },
        Statement::LoadData { .. } => "copy-in",
        Statement::Vacuum(vacuum) => {
            if vacuum.full {
                "vacuum-full"
            } else {
                "maintenance"
            }
        }
        Statement::Flush { read_lock: true, .. } => "lock",
        Statement::Analyze(_) | Statement::OptimizeTable { .. } | Statement::Flush { .. } => "maintenance",
        Statement::Kill { .. } => "kill-session",
        Statement::Call(_) | Statement::Execute { .. } => "execute",
        Statement::Set(_)
        | Statement::Use(_)
        | Statement::StartTransaction { .. }
        | Statement::Commit { .. }
        | Statement::Rollback { .. }
        | Statement::Savepoint { .. }
        | Statement::ReleaseSavepoint { .. }
        | Statement::Declare { .. }
        | Statement::Close { .. }
        | Statement::Discard { .. }
        | Statement::Deallocate { .. }
        | Statement::Pragma { .. }
        | Statement::LISTEN { .. }
        | Statement::UNLISTEN { .. }
        | Statement::NOTIFY { .. }
        | Statement::Reset(_)
        | Statement::Assert { .. } => "session",
        Statement::Prepare { statement, .. } => class(statement),
        Statement::CreateTable(table) if table.or_replace => "drop-table",
        Statement::CreateTable(_)
        | Statement::CreateView(_)
        | Statement::CreateVirtualTable { .. }
        | Statement::CreateSchema { .. }
        | Statement::CreateDatabase { .. }
        | Statement::CreateFunction(_)
        | Statement::CreateTrigger(_)
        | Statement::CreateSequence { .. }
        | Statement::CreateType { .. }
        | Statement::CreateExtension(_)
        | Statement::CreateDomain(_)
        | Statement::CreateProcedure { .. }
        | Statement::CreatePolicy(_)
        | Statement::Comment { .. } => "create",
        _ => "unknown",
    }
}

fn query_class(query: &Query) -> &'static str {
    let in_with = query
        .with
        .iter()
        .flat_map(|with| with.cte_tables.iter())
        .map(|table| query_class(&table.query))
        .find(|class| !matches!(*class, "select" | "select-for-update"));
    if let Some(class) = in_with {
        return class;
    }
    match query.body.as_ref() {
        SetExpr::Insert(statement)
        | SetExpr::Update(statement)
        | SetExpr::Delete(statement)
        | SetExpr::Merge(statement) => class(statement),
        SetExpr::Select(select) if select.into.is_some() => "create",
        SetExpr::Query(query) => query_class(query),
        SetExpr::Select(_) | SetExpr::SetOperation { .. } | SetExpr::Values(_) | SetExpr::Table(_) => {
            if query.locks.is_empty() { "select" } else { "select-for-update" }
        }
    }
}

/// Whether a WHERE leaves rows out. `WHERE true` and `WHERE 1=1` do not.
fn restricts(selection: Option<&Expr>) -> bool {
    selection.is_some_and(|expr| !always_true(expr))
}

fn always_true(expr: &Expr) -> bool {
    #[expect(clippy::wildcard_enum_match_arm, reason = "only few of many expressions are plainly true")]
    match expr {
        Expr::Nested(inner) => always_true(inner),
        Expr::Value(value) => match &value.value {
            Value::Boolean(truth) => *truth,
            Value::Number(number, _) => !number.trim_matches('0').is_empty(),
            _ => false,
        },
        Expr::BinaryOp { left, op, right } => match op {
            BinaryOperator::Or => always_true(left) || always_true(right),
            BinaryOperator::And => always_true(left) && always_true(right),
            BinaryOperator::Eq => {
                matches!(left.as_ref(), Expr::Value(_) | Expr::Identifier(_)) && left == right
            }
            BinaryOperator::NotEq => {
                matches!((left.as_ref(), right.as_ref()), (Expr::Value(_), Expr::Value(_))) && left != right
            }
            _ => false,
        },
        _ => false,
    }
}

fn drop_class(kind: ObjectType) -> &'static str {
    match kind {
        ObjectType::Table | ObjectType::Stream | ObjectType::Stage => "drop-table",
        ObjectType::Database | ObjectType::Schema | ObjectType::Warehouse => "drop-database",
        ObjectType::Index => "drop-index",
        ObjectType::Role | ObjectType::User => "drop-user",
        ObjectType::View
        | ObjectType::MaterializedView
        | ObjectType::Sequence
        | ObjectType::Type
        | ObjectType::Collation => "drop-view",
    }
}

fn alter_class(operation: &AlterTableOperation) -> &'static str {
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "what does not drop or switch off is an ordinary change"
    )]
    match operation {
        AlterTableOperation::DropColumn { .. }
        | AlterTableOperation::DropConstraint { .. }
        | AlterTableOperation::DropPrimaryKey { .. }
        | AlterTableOperation::DropForeignKey { .. }
        | AlterTableOperation::DropPartitions { .. } => "alter-drop",
        AlterTableOperation::DisableTrigger { .. }
        | AlterTableOperation::DisableRowLevelSecurity
        | AlterTableOperation::DisableRule { .. }
        | AlterTableOperation::NoForceRowLevelSecurity => "disable-safety",
        _ => "alter-add",
    }
}

fn alter_rank(class: &str) -> u8 {
    match class {
        "alter-drop" => 2,
        "disable-safety" => 1,
        _ => 0,
    }
}
