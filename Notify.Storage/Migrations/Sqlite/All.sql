CREATE TABLE IF NOT EXISTS "notify_migrations" (
    "MigrationId" TEXT NOT NULL CONSTRAINT "PK_notify_migrations" PRIMARY KEY,
    "ProductVersion" TEXT NOT NULL
);

CREATE TABLE "appends" (
    "last_version" INTEGER NOT NULL CONSTRAINT "PK_appends" PRIMARY KEY,
    "first_version" INTEGER NOT NULL,
    "batch_id" BLOB NOT NULL,
    "appended_at" INTEGER NOT NULL
);

CREATE TABLE "idempotency" (
    "publisher" TEXT NOT NULL,
    "key" TEXT NOT NULL,
    "request_hash" BLOB NOT NULL,
    "id" BLOB NOT NULL,
    "version" INTEGER NOT NULL,
    "topic" TEXT NOT NULL,
    "published_at" INTEGER NOT NULL,
    "created_at" INTEGER NOT NULL,
    CONSTRAINT "PK_idempotency" PRIMARY KEY ("publisher", "key")
);

CREATE TABLE "log_head" (
    "id" INTEGER NOT NULL CONSTRAINT "PK_log_head" PRIMARY KEY,
    "epoch" BLOB NOT NULL,
    "oldest" INTEGER NOT NULL,
    CONSTRAINT "one_row" CHECK (id = 1)
);

CREATE TABLE "notifications" (
    "version" INTEGER NOT NULL CONSTRAINT "PK_notifications" PRIMARY KEY,
    "id" BLOB NOT NULL,
    "kind" INTEGER NOT NULL,
    "topic_id" INTEGER NULL,
    "name" TEXT NULL,
    "topic_seq" INTEGER NOT NULL,
    "published_at" INTEGER NOT NULL,
    "expires_at" INTEGER NULL,
    "content" BLOB NOT NULL
);

CREATE TABLE "topics" (
    "id" INTEGER NOT NULL CONSTRAINT "PK_topics" PRIMARY KEY AUTOINCREMENT,
    "name" TEXT NOT NULL,
    "last_seq" INTEGER NOT NULL DEFAULT 0
);

CREATE UNIQUE INDEX "appends_batch_id" ON "appends" ("batch_id");

CREATE INDEX "idempotency_created_at" ON "idempotency" ("created_at");

CREATE INDEX "notifications_id" ON "notifications" ("id");

CREATE INDEX "notifications_topic" ON "notifications" ("topic_id", "version");

CREATE UNIQUE INDEX "topics_name" ON "topics" ("name");

INSERT INTO log_head (id, epoch, oldest) VALUES (1, randomblob(16), 1);

INSERT INTO "notify_migrations" ("MigrationId", "ProductVersion")
VALUES ('20261123153445_Log', '10.0.12');

ALTER TABLE "appends" ADD "answers" BLOB NULL;

ALTER TABLE "appends" ADD "last_change" INTEGER NOT NULL DEFAULT 0;

CREATE TABLE "api_keys" (
    "id" TEXT NOT NULL CONSTRAINT "PK_api_keys" PRIMARY KEY,
    "number" INTEGER NOT NULL,
    "name" TEXT NOT NULL,
    "hash" BLOB NOT NULL,
    "publish" TEXT NOT NULL,
    "subscribe" TEXT NOT NULL,
    "admin" INTEGER NOT NULL,
    "created_at" INTEGER NOT NULL,
    "expires_at" INTEGER NULL,
    "last_used_at" INTEGER NULL
);

CREATE TABLE "devices" (
    "user_id" INTEGER NOT NULL,
    "device" TEXT NOT NULL,
    "epoch" BLOB NOT NULL,
    "version" INTEGER NOT NULL,
    "seen_at" INTEGER NOT NULL,
    CONSTRAINT "PK_devices" PRIMARY KEY ("user_id", "device")
);

CREATE TABLE "directory" (
    "id" INTEGER NOT NULL CONSTRAINT "PK_directory" PRIMARY KEY,
    "rules_revision" INTEGER NOT NULL,
    "keys_stored" INTEGER NOT NULL,
    "stamp" INTEGER NOT NULL,
    CONSTRAINT "one_directory" CHECK (id = 1)
);

CREATE TABLE "groups" (
    "id" INTEGER NOT NULL CONSTRAINT "PK_groups" PRIMARY KEY,
    "name" TEXT NOT NULL,
    "since" INTEGER NOT NULL,
    "until" INTEGER NOT NULL,
    "rule" TEXT NULL,
    "rule_revision" INTEGER NOT NULL,
    "pending" INTEGER NOT NULL,
    "members" INTEGER NOT NULL,
    "lease_owner" BLOB NULL,
    "lease_expires_at" INTEGER NULL
);

CREATE TABLE "memberships" (
    "user_id" INTEGER NOT NULL,
    "group_id" INTEGER NOT NULL,
    "until" INTEGER NOT NULL,
    "since" INTEGER NOT NULL,
    CONSTRAINT "PK_memberships" PRIMARY KEY ("user_id", "until", "group_id")
);

CREATE TABLE "subscriptions" (
    "user_id" INTEGER NOT NULL,
    "filter" TEXT NOT NULL,
    "until" INTEGER NOT NULL,
    "since" INTEGER NOT NULL,
    CONSTRAINT "PK_subscriptions" PRIMARY KEY ("user_id", "until", "filter")
);

CREATE TABLE "token_revocations" (
    "user_id" INTEGER NOT NULL CONSTRAINT "PK_token_revocations" PRIMARY KEY,
    "issued_before" INTEGER NOT NULL,
    "version" INTEGER NOT NULL
);

CREATE TABLE "users" (
    "id" INTEGER NOT NULL CONSTRAINT "PK_users" PRIMARY KEY AUTOINCREMENT,
    "name" TEXT NOT NULL,
    "attributes" TEXT NULL,
    "attributes_stamp" INTEGER NOT NULL DEFAULT 0,
    "claims_issued_at" INTEGER NULL,
    "last_seen_at" INTEGER NULL
);

CREATE UNIQUE INDEX "api_keys_number" ON "api_keys" ("number");

CREATE INDEX "groups_ended" ON "groups" ("id") WHERE members > 0 AND until <> 9223372036854775807;

CREATE UNIQUE INDEX "groups_name" ON "groups" ("name") WHERE until = 9223372036854775807;

CREATE INDEX "groups_pending" ON "groups" ("id") WHERE pending;

CREATE UNIQUE INDEX "memberships_group" ON "memberships" ("group_id", "user_id") WHERE until = 9223372036854775807;

CREATE INDEX "users_attributes_stamp" ON "users" ("attributes_stamp");

CREATE UNIQUE INDEX "users_name" ON "users" ("name");

INSERT INTO directory (id, rules_revision, keys_stored, stamp) VALUES (1, 0, 0, 0);

INSERT INTO "notify_migrations" ("MigrationId", "ProductVersion")
VALUES ('20261125202955_Directory', '10.0.12');

CREATE TABLE "inbox_marks" (
    "user_id" INTEGER NOT NULL,
    "version" INTEGER NOT NULL,
    "topic_id" INTEGER NOT NULL,
    "mark_order" INTEGER NOT NULL,
    "seen_at" INTEGER NULL,
    "read_at" INTEGER NULL,
    "archived_at" INTEGER NULL,
    "expires_at" INTEGER NULL,
    CONSTRAINT "PK_inbox_marks" PRIMARY KEY ("user_id", "version")
);

CREATE TABLE "inbox_watermarks" (
    "user_id" INTEGER NOT NULL,
    "filter" TEXT NOT NULL,
    "steps" TEXT NOT NULL,
    "up_to" INTEGER NOT NULL,
    CONSTRAINT "PK_inbox_watermarks" PRIMARY KEY ("user_id", "filter")
);

CREATE INDEX "notifications_expiring" ON "notifications" ("topic_id", "version", "expires_at") WHERE expires_at IS NOT NULL;

CREATE INDEX "inbox_marks_unread" ON "inbox_marks" ("user_id", "version") WHERE read_at IS NULL;

CREATE INDEX "inbox_marks_version" ON "inbox_marks" ("version");

CREATE INDEX "inbox_watermarks_up_to" ON "inbox_watermarks" ("up_to");

INSERT INTO "notify_migrations" ("MigrationId", "ProductVersion")
VALUES ('20261125212752_Inbox', '10.0.12');

CREATE TABLE "inbox_kept" (
    "version" INTEGER NOT NULL CONSTRAINT "PK_inbox_kept" PRIMARY KEY,
    "id" BLOB NOT NULL,
    "topic_id" INTEGER NOT NULL,
    "topic_seq" INTEGER NOT NULL,
    "published_at" INTEGER NOT NULL,
    "expires_at" INTEGER NULL,
    "content" BLOB NOT NULL
);

CREATE INDEX "inbox_kept_expiring" ON "inbox_kept" ("topic_id", "version", "expires_at") WHERE expires_at IS NOT NULL;

CREATE INDEX "inbox_kept_id" ON "inbox_kept" ("id");

CREATE INDEX "inbox_kept_topic" ON "inbox_kept" ("topic_id", "version");

INSERT INTO "notify_migrations" ("MigrationId", "ProductVersion")
VALUES ('20261125214617_InboxKept', '10.0.12');

CREATE TABLE "entry_gate" (
    "id" INTEGER NOT NULL CONSTRAINT "PK_entry_gate" PRIMARY KEY,
    "opened" INTEGER NOT NULL,
    CONSTRAINT "one_gate" CHECK (id = 1)
);

CREATE TABLE "nodes" (
    "id" BLOB NOT NULL CONSTRAINT "PK_nodes" PRIMARY KEY,
    "version" TEXT NOT NULL,
    "host" TEXT NOT NULL,
    "started_at" INTEGER NOT NULL,
    "connections" INTEGER NOT NULL,
    "head" INTEGER NOT NULL,
    "knows" INTEGER NOT NULL,
    "lease_until" INTEGER NOT NULL
);

INSERT INTO "entry_gate" ("id", "opened")
VALUES (1, 7);
SELECT changes();


INSERT INTO "notify_migrations" ("MigrationId", "ProductVersion")
VALUES ('20261125232202_Nodes', '10.0.12');

ALTER TABLE "topics" ADD "used" INTEGER NOT NULL DEFAULT 0;

ALTER TABLE "log_head" ADD "topics_floor" INTEGER NOT NULL DEFAULT 0;

CREATE INDEX "topics_used" ON "topics" ("used") WHERE name < '$' OR name >= '%';

CREATE INDEX "topics_used_reserved" ON "topics" ("used") WHERE name >= '$' AND name < '%';

CREATE INDEX "subscriptions_closed" ON "subscriptions" ("until") WHERE until <> 9223372036854775807;

CREATE INDEX "memberships_closed" ON "memberships" ("until") WHERE until <> 9223372036854775807;

CREATE INDEX "groups_closed" ON "groups" ("until") WHERE until <> 9223372036854775807;

INSERT INTO "notify_migrations" ("MigrationId", "ProductVersion")
VALUES ('20261125233129_TopicsEnd', '10.0.12');

CREATE INDEX "groups_rule_revision" ON "groups" ("rule_revision") WHERE rule IS NOT NULL;

INSERT INTO "notify_migrations" ("MigrationId", "ProductVersion")
VALUES ('20261126004910_RulesByRevision', '10.0.12');

