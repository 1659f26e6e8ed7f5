using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace Notify.Storage.Migrations.Sqlite
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
                type: "INTEGER",
                nullable: false,
                defaultValue: 0L);

            migrationBuilder.AddColumn<long>(
                name: "topics_floor",
                table: "log_head",
                type: "INTEGER",
                nullable: false,
                defaultValue: 0L);

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
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
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
        }
    }
}
