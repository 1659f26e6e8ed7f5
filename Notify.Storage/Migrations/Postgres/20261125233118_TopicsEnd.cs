using System;
using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace Notify.Storage.Migrations.Postgres
{
    /// <inheritdoc />
    internal sealed partial class TopicsEnd : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.AddColumn<long>(
                name: "used",
                table: "topics",
                type: "bigint",
                nullable: false,
                defaultValue: 0L);

            migrationBuilder.AddColumn<long>(
                name: "topics_floor",
                table: "log_head",
                type: "bigint",
                nullable: false,
                defaultValue: 0L);

            migrationBuilder.AddColumn<long>(
                name: "topics_removed",
                table: "log_head",
                type: "bigint",
                nullable: false,
                defaultValue: 0L);

            migrationBuilder.CreateTable(
                name: "topic_ends",
                columns: table => new
                {
                    topic_id = table.Column<long>(type: "bigint", nullable: false),
                    until = table.Column<long>(type: "bigint", nullable: false),
                    after = table.Column<long>(type: "bigint", nullable: false),
                    first_seq = table.Column<long>(type: "bigint", nullable: false),
                    last_seq = table.Column<long>(type: "bigint", nullable: false),
                    expiring = table.Column<long>(type: "bigint", nullable: false),
                    expires_by = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: true)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_topic_ends", x => new { x.topic_id, x.until });
                });

            migrationBuilder.CreateIndex(
                name: "topics_used",
                table: "topics",
                column: "used",
                filter: "name < '$' OR name >= '%'");

            migrationBuilder.CreateIndex(
                name: "topics_used_reserved",
                table: "topics",
                column: "used",
                filter: "name >= '$' AND name < '%'");

            migrationBuilder.CreateIndex(
                name: "subscriptions_closed",
                table: "subscriptions",
                column: "until",
                filter: "until <> 9223372036854775807");

            migrationBuilder.CreateIndex(
                name: "memberships_closed",
                table: "memberships",
                column: "until",
                filter: "until <> 9223372036854775807");

            migrationBuilder.CreateIndex(
                name: "groups_closed",
                table: "groups",
                column: "until",
                filter: "until <> 9223372036854775807");

            migrationBuilder.CreateIndex(
                name: "topic_ends_expiring",
                table: "topic_ends",
                columns: new[] { "topic_id", "until" },
                filter: "expiring > 0");

            migrationBuilder.CreateIndex(
                name: "topic_ends_until",
                table: "topic_ends",
                column: "until");
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropTable(
                name: "topic_ends");

            migrationBuilder.DropIndex(
                name: "topics_used",
                table: "topics");

            migrationBuilder.DropIndex(
                name: "topics_used_reserved",
                table: "topics");

            migrationBuilder.DropIndex(
                name: "subscriptions_closed",
                table: "subscriptions");

            migrationBuilder.DropIndex(
                name: "memberships_closed",
                table: "memberships");

            migrationBuilder.DropIndex(
                name: "groups_closed",
                table: "groups");

            migrationBuilder.DropColumn(
                name: "used",
                table: "topics");

            migrationBuilder.DropColumn(
                name: "topics_floor",
                table: "log_head");

            migrationBuilder.DropColumn(
                name: "topics_removed",
                table: "log_head");
        }
    }
}
