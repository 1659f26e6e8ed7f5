using System;
using Microsoft.EntityFrameworkCore.Migrations;
using Npgsql.EntityFrameworkCore.PostgreSQL.Metadata;

#nullable disable

namespace Notify.Storage.Migrations.Postgres
{
    /// <inheritdoc />
    internal sealed partial class Log : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.CreateTable(
                name: "appends",
                columns: table => new
                {
                    last_version = table.Column<long>(type: "bigint", nullable: false),
                    first_version = table.Column<long>(type: "bigint", nullable: false),
                    batch_id = table.Column<Guid>(type: "uuid", nullable: false),
                    appended_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_appends", x => x.last_version);
                });

            migrationBuilder.CreateTable(
                name: "idempotency",
                columns: table => new
                {
                    publisher = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    key = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    request_hash = table.Column<byte[]>(type: "bytea", nullable: false),
                    id = table.Column<Guid>(type: "uuid", nullable: false),
                    version = table.Column<long>(type: "bigint", nullable: false),
                    topic = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    published_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false),
                    created_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_idempotency", x => new { x.publisher, x.key });
                });

            migrationBuilder.CreateTable(
                name: "log_head",
                columns: table => new
                {
                    id = table.Column<short>(type: "smallint", nullable: false),
                    epoch = table.Column<Guid>(type: "uuid", nullable: false),
                    oldest = table.Column<long>(type: "bigint", nullable: false),
                    settled = table.Column<long>(type: "bigint", nullable: false),
                    system_identifier = table.Column<long>(type: "bigint", nullable: false),
                    timeline = table.Column<int>(type: "integer", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_log_head", x => x.id);
                    table.CheckConstraint("one_row", "id = 1");
                });

            // Partitioned by hand: EF has no word for it. The partitions themselves are made by PostgresPartitions.
            migrationBuilder.Sql("""
                CREATE TABLE notifications (
                    version bigint NOT NULL,
                    id uuid NOT NULL,
                    kind smallint NOT NULL,
                    topic_id bigint,
                    name text COLLATE "C",
                    topic_seq bigint NOT NULL,
                    published_at timestamp with time zone NOT NULL,
                    expires_at timestamp with time zone,
                    content bytea NOT NULL,
                    CONSTRAINT "PK_notifications" PRIMARY KEY (version)
                ) PARTITION BY RANGE (version);
                """);

            migrationBuilder.CreateTable(
                name: "topics",
                columns: table => new
                {
                    id = table.Column<long>(type: "bigint", nullable: false)
                        .Annotation("Npgsql:ValueGenerationStrategy", NpgsqlValueGenerationStrategy.IdentityByDefaultColumn),
                    name = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    last_seq = table.Column<long>(type: "bigint", nullable: false, defaultValue: 0L)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_topics", x => x.id);
                });

            migrationBuilder.CreateIndex(
                name: "appends_batch_id",
                table: "appends",
                column: "batch_id",
                unique: true);

            migrationBuilder.CreateIndex(
                name: "idempotency_created_at",
                table: "idempotency",
                column: "created_at");

            migrationBuilder.CreateIndex(
                name: "notifications_id",
                table: "notifications",
                column: "id");

            migrationBuilder.CreateIndex(
                name: "notifications_topic",
                table: "notifications",
                columns: new[] { "topic_id", "version" });

            migrationBuilder.CreateIndex(
                name: "topics_name",
                table: "topics",
                column: "name",
                unique: true);

            // The first connection that opens the log writes which cluster and timeline it is (PostgresEpoch).
            migrationBuilder.Sql("""
                INSERT INTO log_head (id, epoch, oldest, settled, system_identifier, timeline)
                VALUES (1, gen_random_uuid(), 1, 0, 0, 0);
                """);
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropTable(
                name: "appends");

            migrationBuilder.DropTable(
                name: "idempotency");

            migrationBuilder.DropTable(
                name: "log_head");

            migrationBuilder.DropTable(
                name: "notifications");

            migrationBuilder.DropTable(
                name: "topics");
        }
    }
}
